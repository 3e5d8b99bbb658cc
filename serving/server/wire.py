"""The fields of a serialized message, told apart without reading them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.internal.decoder import _DecodeVarint
from google.protobuf.message import DecodeError

# How protobuf marks a field that is a number or has a length, and the size of the others.
_VARINT, _BYTES = 0, 2
_SIZES: Final = {1: 8, 5: 4}


def field_ends(content: bytes) -> Iterator[int]:
    """Returns where each field of a message ends; the last may lack some of its bytes.

    Raises:
        IndexError: The content ends in the middle of a tag, a number or a length.
        DecodeError: It is no message, or of a form that nobody writes any more.
    """
    position = 0
    while position < len(content):
        tag, position = _DecodeVarint(content, position)
        if tag & 7 in (_VARINT, _BYTES):
            value, position = _DecodeVarint(content, position)
            position += value if tag & 7 == _BYTES else 0
        elif tag & 7 in _SIZES:
            position += _SIZES[tag & 7]
        else:
            raise DecodeError(f"no kind of field: {tag & 7}")
        yield position
