"""Who may ask: over TLS, with the token of the server, and on loopback no page of another site."""

from __future__ import annotations

import hmac
import re
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import grpc
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from schema.errors import UsageError
from serving.protos import load_messages
from serving.server.api.rest_answers import error_json
from serving.server.config import read_text

NO_TOKEN: Final = "Send the token of this server as a header: Authorization: Bearer TOKEN"
_LOOPBACK: Final = re.compile(r"((.+\.)?localhost|127(\.\d+){3}|::1|\[::1\])(:\d+)?", re.I)


def read_credentials(path: Path) -> grpc.ServerCredentials:
    """Returns what secures gRPC, from an `--ssl_config_file`: SSLConfig as text.

    Raises:
        UsageError: The file can't be read or used.

    Source: BuildServerCredentials in TF Serving's model_servers/server.cc.
    """
    config = read_text(path, load_messages("server_parameters")["SSLConfig"]())
    try:
        # gRPC itself would only fail to listen, once the models are loaded.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("server_key", "server_cert", "custom_ca")]
            for file in files:
                file.write_text(getattr(config, file.name))
            context.load_cert_chain(files[1], files[0], password="")
            if config.custom_ca:
                context.load_verify_locations(files[2])
        return grpc.ssl_server_credentials(
            [(config.server_key.encode(), config.server_cert.encode())],
            root_certificates=config.custom_ca.encode() or None,
            require_client_auth=config.client_verify,
        )
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(
            f"{path} has no key with its certificate, or no authorities ({error}). Its fields hold "
            "PEM as text (-----BEGIN …), not paths; the key has no password. Correct the file."
        ) from error


def read_token_file(path: Path) -> bytes:
    """Returns the token of an `--auth_token_file`, without the white space around it.

    Raises:
        UsageError: The file can't be read, or holds no token.
    """
    try:
        token = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(
            f"The token file {path} can't be read: {error.strerror}. Correct --auth_token_file."
        ) from error
    if not token.isascii() or len(token.split()) != 1:
        raise UsageError(
            f"The token file {path} must hold one word of ASCII characters. Write one, for "
            "example with `openssl rand -hex 32`."
        )
    return token


def brings_token(authorization: bytes, token: bytes) -> bool:
    """Says whether an `Authorization` header brings the token, without telling how nearly."""
    scheme, _, given = authorization.partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), token)


class RestGuard:
    """Lets requests over REST pass that bring the token, and on loopback name it.

    A page whose name leads to loopback (DNS rebinding) names itself.
    """

    def __init__(self, app: ASGIApp, *, host: str, token: bytes | None) -> None:
        """Guards the application of a server on a host; without a token it asks for none."""
        self._app = app
        self._on_loopback = _LOOPBACK.fullmatch(host) is not None
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI)."""
        headers = dict(scope["headers"])
        host, app = headers.get(b"host", b"").decode("latin-1"), self._app
        # A browser can't bring the token with a preflight, which has no body.
        preflight = scope["method"] == "OPTIONS" and scope["path"].startswith("/v1/models")
        bare = not headers.keys() & {b"content-length", b"transfer-encoding"}
        token = None if preflight and bare else self._token
        if self._on_loopback and host and not _LOOPBACK.fullmatch(host):
            message = f"This server listens on loopback, not as {host}. Name it localhost."
            app = Response(error_json(message), 403, media_type="application/json")
        elif token and not brings_token(headers.get(b"authorization", b""), token):
            challenge = {"www-authenticate": "Bearer"}
            app = Response(error_json(NO_TOKEN), 401, challenge, "application/json")
        await app(scope, receive, send)
