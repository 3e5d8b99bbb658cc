"""A local HTTP server in the place of a cloud service: keeps what is asked, answers as told."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, Any] | dict[str, Any]


class Asked(NamedTuple):
    """One request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


def _headers(headers: Message) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


class HttpStandIn:
    """Answers the requests that it has a route for, and 404 to all others."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._routes: list[tuple[str, re.Pattern[str], Callable[[Asked], Answer]]] = []

    def on(self, method: str, path: str, answer: Answer | Callable[[Asked], Answer]) -> None:
        """Says what to answer; the last route given comes first.

        Args:
            method: Of HTTP.
            path: A pattern for the whole path.
            answer: JSON, or a status and JSON (or text), or what makes one of a request.
        """
        call = answer if callable(answer) else lambda _: answer
        self._routes.insert(0, (method, re.compile(path), call))

    def asked_for(self, method: str, path: str) -> list[Asked]:
        return [
            asked
            for asked in self.asked
            if asked.method == method and re.fullmatch(path, asked.path)
        ]

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.asked.append(asked)
        for method, path, call in self._routes:
            if method == asked.method and path.fullmatch(asked.path):
                answer = call(asked)
                return answer if isinstance(answer, tuple) else (200, answer)
        return 404, {"error": {"code": 404, "message": f"no route for {asked.path}"}}

    def __enter__(self) -> HttpStandIn:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                text = self.rfile.read(length)
                address = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(address.query).items()}
                body = json.loads(text) if text else None
                asked = Asked(
                    self.command, unquote(address.path), query, body, _headers(self.headers)
                )
                try:
                    status, answer = stand_in.answer(asked)
                except Exception as error:  # noqa: BLE001 - a test sees it as the answer.
                    status, answer = 500, f"the stand-in failed: {error!r}"
                is_text = isinstance(answer, str)
                content = (answer if is_text else json.dumps(answer)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if is_text else "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do_PATCH = _serve  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
