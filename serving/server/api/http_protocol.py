"""HTTP as libevent, the server in TF Serving, speaks it, where Uvicorn speaks otherwise."""

from __future__ import annotations

import re
from typing import Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.server.api.rest_answers import error_page

_METHODS: Final = {b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"}
# What RFC 3986 does not have in a path, a query or a fragment.
_NO_URI: Final = re.compile(rb"%(?![0-9a-fA-F]{2})|[^\w.~!$&'()*+,;=:@/?#%-]")
_KEEP_ALIVE: Final = (b"connection", b"keep-alive")


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def data_received(self, data: bytes) -> None:
        """Reads what has come, and starts the requests in it."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            unknown = isinstance(error, httptools.HttpParserInvalidMethodError)
            self._refuse(501 if unknown or self.parser.get_method() not in _METHODS else 400)

    def on_headers_complete(self) -> None:
        """Starts a request, unless its method or path is none, or it offers another protocol."""
        if self.parser.get_method() not in _METHODS or _NO_URI.search(self.url):
            raise ValueError("not a request")
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        # A fragment counts as part of what it follows.
        path, mark, fragment = self.url.partition(b"#")
        if mark:
            self.scope["query_string" if b"?" in path else "raw_path"] += mark + fragment
        if self.scope["http_version"] == "1.0" and self.parser.should_keep_alive():
            self.cycle.keep_alive = True
            self.cycle.default_headers = [*self.cycle.default_headers, _KEEP_ALIVE]

    def on_message_complete(self) -> None:
        """Tells the request that its body is there."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Says whether the connection stays open: a request that is complete is answered."""
        answering = (
            self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete
        )
        if answering:
            self.cycle.keep_alive = False
        return answering

    def _decline(self, rest: bytes) -> None:
        """Reads a request again without its offer of HTTP/2, as Java's client makes it.

        The parser takes the body that follows such an offer for the other protocol.
        """
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _refuse(self, status: int) -> None:
        """Answers what is no request, and ends the connection."""
        page = error_page(status).encode()
        self.transport.write(
            b"%scontent-type: text/html\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
            % (STATUS_LINE[status], len(page), page)
        )
        self.transport.close()
