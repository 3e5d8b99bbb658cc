"""Counts distinct strings over many files by short hashes, a worker's set at a time."""

from __future__ import annotations

import collections
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

HASH_BYTES: Final = 16

_FLUSH_AT: Final = 2**20
"""Strings a set may hold before it is handed on, which bounds a worker's memory."""


class DistinctStrings:
    """Gathers strings of one kind and hands their hashes on in few packed elements."""

    def __init__(self, kind: str) -> None:
        self._kind = kind.encode()
        self._strings: set[str] = set()

    def add(self, strings: Iterable[str]) -> Iterator[tuple[bytes, bytes]]:
        """Adds strings; yields elements as `flush` does once many have come together."""
        self._strings.update(strings)
        if len(self._strings) >= _FLUSH_AT:
            yield from self.flush()

    def flush(self) -> Iterator[tuple[bytes, bytes]]:
        """Hands on what was gathered since the last time.

        Yields:
            (key, packed hashes): the key is the kind, a colon and the hashes' first byte, so
            that several workers can unite them and equal strings meet under one key.
        """
        packed: collections.defaultdict[bytes, bytearray] = collections.defaultdict(bytearray)
        for string in self._strings:
            digest = hashlib.blake2b(string.encode(), digest_size=HASH_BYTES).digest()
            packed[self._kind + b":" + digest[:1]] += digest
        self._strings.clear()
        for key, hashes in packed.items():
            yield key, bytes(hashes)


def kind_of(key: bytes) -> str:
    """Returns the kind of strings that an element's key stands for."""
    return key[:-2].decode()
