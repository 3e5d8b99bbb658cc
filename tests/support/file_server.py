"""An HTTP server for files, well-behaved or not."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What the server says to a path; `sent` cuts the body off after so many bytes."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None


class FileServer:
    """Answers each path as a test says, and keeps the headers of the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(dict(self.headers))
                answer = outer.answers.get(self.path, Answer(b"no", 404))
                etag = answer.headers.get("ETag")
                since = answer.headers.get("Last-Modified")
                if (etag and self.headers.get("If-None-Match") == etag) or (
                    since and self.headers.get("If-Modified-Since") == since
                ):
                    self.send_response(304)
                    self.end_headers()
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Transfer-Encoding" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                # A client that knows enough hangs up.
                with suppress(ConnectionError):
                    self.wfile.write(answer.body[: answer.sent])

            def log_message(self, format, *args):
                pass

        self.handler = Handler
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http.server_port}{path}"

    def __enter__(self) -> FileServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
