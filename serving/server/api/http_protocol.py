"""HTTP as libevent, the server in TF Serving, speaks it, and what a client may not do to it."""

from __future__ import annotations

import asyncio
import logging
import re
from operator import attrgetter
from typing import Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.server.api.rest_answers import error_page

_METHODS: Final = {b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"}
# What RFC 3986 does not have in a path, a query or a fragment.
_NO_URI: Final = re.compile(rb"%(?![0-9a-fA-F]{2})|[^\w.~!$&'()*+,;=:@/?#%-]")
_REQUEST_LINE: Final = re.compile(rb"\S+ \S+ HTTP/1\.[01]\r\n")
# Of a head, or of what stands around the pieces of a body, in bytes.
_LONGEST_HEAD: Final = 64 * 1024
# Requests on one connection that wait for the answers to earlier ones.
_MOST_PIPELINED: Final = 100
# A client that moves fewer bytes stands still.
_LEAST_BYTES: Final = 16 * 1024

_logger = logging.getLogger(__name__)


class HttpProtocol(HttpToolsProtocol):
    """One connection.

    Uvicorn's `timeout_keep_alive` is how long a client may stand still. Where there are as many
    connections as its `limit_concurrency`, those that stood still longest make room.
    """

    _received, _head, _moved = 0, 0, (0, 0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins, and makes room for later ones."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if self.limit_concurrency and len(self.connections) >= self.limit_concurrency:
            others = cast("set[HttpProtocol]", self.connections) - {self}
            still = sorted((each for each in others if each._waits), key=attrgetter("_since"))
            # One in ten: to look at all of them takes a while.
            still = still[: len(still) // 10 + 1]
            for each in still:
                self.connections.discard(each)
                each.transport.abort()
            _logger.warning(
                "All %d connections over REST were taken: the %d that stood still longest were "
                "ended. More may be open with --rest_api_max_connections and ulimit -n.",
                self.limit_concurrency,
                len(still),
            )

    @property
    def _waits(self) -> bool:
        """Whether the server waits for the client, not the client for the server."""
        return self.cycle is None or self.cycle.more_body or self.cycle.response_complete

    def end_if_still(self, now: float) -> None:
        """Ends the connection if the client neither sends nor reads; to be called each second."""
        unread = self.transport.get_write_buffer_size()
        moved = (self._received // _LEAST_BYTES, unread // _LEAST_BYTES)
        if moved != self._moved or not self._waits:
            self._moved, self._since = moved, now
        elif now - self._since > self.timeout_keep_alive:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Reads what has come, and starts the requests in it."""
        self._received += len(data)
        self._head += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            self._refuse(501 if _REQUEST_LINE.match(data) else 400)
        except httptools.HttpParserError as error:
            status = 431 if isinstance(error.__context__, OverflowError) else 400
            self._refuse(status if self.parser.get_method() in _METHODS else 501)
        if self._head > _LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(431)

    def on_headers_complete(self) -> None:
        """Starts a request, unless its method or path is invalid, or it offers another protocol."""
        if self._head > _LONGEST_HEAD:
            lengths = (len(name) + len(value) + len(": \r\n") for name, value in self.headers)
            if sum(lengths, len(self.url)) > _LONGEST_HEAD:
                raise OverflowError("too long a head, in one piece")
        if self.parser.get_method() not in _METHODS or _NO_URI.search(self.url):
            raise ValueError("not a request")
        if len(self.pipeline) >= _MOST_PIPELINED:
            raise ValueError("too many requests before the first answer")
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        # A fragment counts as part of what it follows.
        path, mark, fragment = self.url.partition(b"#")
        if mark:
            self.scope["query_string" if b"?" in path else "raw_path"] += mark + fragment
        if self.scope["http_version"] == "1.0" and self.parser.should_keep_alive():
            self.cycle.keep_alive = True
            headers = self.cycle.default_headers
            self.cycle.default_headers = [*headers, (b"connection", b"keep-alive")]

    def on_body(self, body: bytes) -> None:
        """Hands on a piece of the body."""
        self._head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Tells the request that its body is there."""
        self._head = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Starts the next request, or waits for it."""
        self._since = self.loop.time()
        super().on_response_complete()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Says whether the connection stays open: a request that is complete is answered."""
        if not self._waits:
            self.cycle.keep_alive = False
        return not self._waits

    def _decline(self, rest: bytes) -> None:
        """Reads a request again without its offer of HTTP/2, as Java's client makes it.

        The parser takes the body that follows such an offer for the other protocol.
        """
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _refuse(self, status: int) -> None:
        """Answers what is not a request, and ends the connection."""
        page = error_page(status).encode()
        self.transport.write(
            b"%scontent-type: text/html\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
            % (STATUS_LINE[status], len(page), page)
        )
        self.transport.close()
