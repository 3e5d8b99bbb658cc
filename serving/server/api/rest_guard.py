"""Who may ask over REST: who brings the token, and on loopback no page of another site."""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.server.api.rest_answers import error_json
from serving.server.auth_token import brings_token

_LOOPBACK: Final = re.compile(r"((.+\.)?localhost|127(\.\d+){3}|::1|\[::1\])(:\d+)?", re.I)


class Guard:
    """Lets requests pass that bring the token, and on loopback name it.

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
        if self._on_loopback and host and not _LOOPBACK.fullmatch(host):
            message = f"This server listens on loopback, not as {host}. Name it localhost."
            app = Response(error_json(message), 403, media_type="application/json")
        elif self._token and not brings_token(headers.get(b"authorization", b""), self._token):
            message = "Send the token of this server in a header: Authorization: Bearer TOKEN"
            challenge = {"www-authenticate": "Bearer"}
            app = Response(error_json(message), 401, challenge, "application/json")
        await app(scope, receive, send)
