"""What a server needs for TLS."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def key_and_certificate() -> tuple[bytes, bytes]:
    """A key and its certificate for localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now, day = datetime.now(timezone.utc), timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day)
    san = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = builder.add_extension(san, critical=False).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    encoding = serialization.Encoding.PEM
    return key.private_bytes(encoding, form, plain), certificate.public_bytes(encoding)


def ssl_config(path: Path, key: bytes, certificate: bytes, rest: str = "") -> Path:
    texts = [json.dumps(each.decode()) for each in (key, certificate)]
    path.write_text("server_key: {} server_cert: {} {}".format(*texts, rest))
    return path
