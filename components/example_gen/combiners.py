"""Beam combiners over packed bytes: many small values in few large elements."""

from __future__ import annotations

import collections
import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import Final

import apache_beam as beam

_HASH_BYTES: Final = 16
_PARTS: Final = 16

# Strings held before they are handed on, which bounds a worker's memory.
_FLUSH_AT: Final = 2**20


@beam.typehints.with_input_types(bytes)
@beam.typehints.with_output_types(bytes)
class Concatenate(beam.CombineFn):
    """Joins packed values of a fixed width, in no particular order.

    Eight bytes a paper travel as eight bytes, where a list of numbers would take some forty.
    """

    def create_accumulator(self) -> bytearray:
        """Returns an empty accumulator."""
        return bytearray()

    def add_input(self, accumulator: bytearray, element: bytes) -> bytearray:
        """Adds one or several packed values."""
        accumulator += element
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[bytes]) -> bytearray:
        """Joins accumulators, compacted or not."""
        return bytearray().join(accumulators)

    def compact(self, accumulator: bytearray) -> bytes:
        """Returns what travels between workers."""
        return bytes(accumulator)

    def extract_output(self, accumulator: bytes) -> bytes:
        """Returns all values."""
        return bytes(accumulator)


@beam.typehints.with_input_types(tuple[bytes, bytes])
@beam.typehints.with_output_types(tuple[bytes, bytes])
class ShardedConcatenate(beam.PTransform):
    """`Concatenate` for each key, where one key may have a large share of the values.

    The last byte of a value, which must be a hash, spreads a key's values over 16 keys; these are
    joined first. Beam's own `with_hot_key_fanout` draws the part at random, and its keys have no
    type, hence no deterministic coder.
    """

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        """From (key, packed value) to (key, packed values), each key once."""
        return (
            elements
            | "Spread" >> beam.Map(_spread)
            | "JoinParts" >> beam.CombinePerKey(Concatenate())
            | "DropPart" >> beam.Map(_drop_part)
            | "Join" >> beam.CombinePerKey(Concatenate())
        )


@beam.typehints.with_input_types(tuple[bytes, bytes])
@beam.typehints.with_output_types(tuple[bytes, bytes])
def _spread(element: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    key, value = element
    return key + bytes([value[-1] % _PARTS]), value


@beam.typehints.with_input_types(tuple[bytes, bytes])
@beam.typehints.with_output_types(tuple[bytes, bytes])
def _drop_part(element: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    return element[0][:-1], element[1]


class DistinctStrings:
    """Gathers strings of one kind, and hands their hashes on in few packed elements.

    An element is (key, packed hashes). The key is the kind, a colon and the hashes' first byte,
    so that several workers can unite them and equal strings meet under one key.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind.encode()
        self._strings: set[str] = set()

    def add(self, strings: Iterable[str]) -> Iterator[tuple[bytes, bytes]]:
        """Adds strings; yields elements once many strings have come together."""
        self._strings.update(strings)
        if len(self._strings) >= _FLUSH_AT:
            yield from self.flush()

    def flush(self) -> Iterator[tuple[bytes, bytes]]:
        """Yields elements for the strings added since the last time."""
        packed: collections.defaultdict[bytes, bytearray] = collections.defaultdict(bytearray)
        for string in self._strings:
            digest = hashlib.blake2b(string.encode(), digest_size=_HASH_BYTES).digest()
            packed[self._kind + b":" + digest[:1]] += digest
        self._strings.clear()
        for key, hashes in packed.items():
            yield key, bytes(hashes)


@beam.typehints.with_input_types(tuple[bytes, Iterable[bytes]])
@beam.typehints.with_output_types(tuple[str, int])
def count_distinct(element: tuple[bytes, Iterable[bytes]]) -> tuple[str, int]:
    """Returns the kind, and the number of distinct strings in grouped `DistinctStrings`."""
    key, packed = element
    hashes = {value for values in packed for value in struct.iter_unpack(f"{_HASH_BYTES}s", values)}
    return key[:-2].decode(), len(hashes)
