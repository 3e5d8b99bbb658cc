"""The bearer token that requests must bring where the server has one, over REST and gRPC."""

from __future__ import annotations

import hmac
from pathlib import Path

from schema.errors import UsageError


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
