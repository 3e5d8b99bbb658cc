"""The bodies of requests over REST: received and unpacked within limits, which TF Serving lacks."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

# Smaller bodies are let in however much is held, and of the largest this many.
_SMALL_BYTES: Final = 64 * 1024
_MOST_AT_ONCE: Final = 4
# A parsed document takes up to a hundred times its bytes, where it is lists in lists.
_MOST_LISTS: Final = 2**18
_MOST_VALUES: Final = 2**23


class Bodies:
    """Receives and unpacks bodies, and counts the bytes of those that are held."""

    def __init__(self, most_bytes: int) -> None:
        """Sets the limit of a body, as sent and unpacked."""
        self._most_bytes = most_bytes
        self._held = 0

    async def receive(self, request: Request) -> bytes:
        """Returns the body of a request, to be given to `forget` in the end."""
        body = bytearray()
        try:
            async for piece in request.stream():
                self._hold(len(body), len(piece))
                body += piece
        except BaseException:
            self.forget(body)
            raise
        return bytes(body)

    async def unpack(self, body: bytes) -> bytes:
        """Returns the content of a body in gzip, nothing of one that is not; `forget` only that.

        Source: ReadRequestGzipBytes in util/net_http/server/internal/evhttp_request.cc.
        """
        unpacker = zlib.decompressobj(wbits=31)
        try:
            content = await asyncio.to_thread(unpacker.decompress, body, self._most_bytes + 1)
        except zlib.error:
            content = b""
        if not unpacker.eof and len(content) <= self._most_bytes:
            content = b""
        self._hold(0, len(content))
        self.forget(body)
        return content

    def forget(self, body: bytes | bytearray) -> None:
        """Counts a body as gone."""
        self._held -= len(body)

    def _hold(self, size: int, more: int) -> None:
        if size + more > self._most_bytes:
            raise HTTPException(
                413,
                f"The request is larger than {self._most_bytes} bytes, as sent or unpacked. Send "
                "it in parts, or raise --rest_api_max_body_bytes.",
            )
        if size > _SMALL_BYTES and self._held + more > _MOST_AT_ONCE * self._most_bytes:
            raise HTTPException(429, "The server holds too much of other requests. Try again.")
        self._held += more


def check_values(body: bytes) -> None:
    """Refuses a document that may take gigabytes; brackets and commas in its texts count too."""
    if len(body) > _MOST_LISTS and (
        body.count(b"[") + body.count(b"{") > _MOST_LISTS or body.count(b",") > _MOST_VALUES
    ):
        raise HTTPException(
            413,
            f"The request has more than {_MOST_LISTS} lists and objects, or {_MOST_VALUES} values. "
            "Send it in parts.",
        )
