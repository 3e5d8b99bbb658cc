"""Beam combiners over packed bytes: many small values in few large elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import apache_beam as beam

_PARTS: Final = 16


@beam.typehints.with_input_types(bytes)
@beam.typehints.with_output_types(bytes)
class Concatenate(beam.CombineFn):
    """Joins packed values of a fixed width, in no particular order.

    Eight bytes a paper travel as eight bytes, where a list of numbers would take some forty.
    Whoever needs an order sorts the result.
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
class ConcatenateSpread(beam.PTransform):
    """`Concatenate` for each key, where many of the values may have one and the same key.

    A part of the value itself, which is the hash of something, spreads a key's values over 16
    keys; these are joined first. Beam's own `with_hot_key_fanout` draws the part by chance, and
    its keys have no type, hence no deterministic coder.
    """

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        """From (key, packed value) to (key, packed values), a key once."""
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


@beam.typehints.with_input_types(bytes)
@beam.typehints.with_output_types(int)
class CountDistinct(beam.CombineFn):
    """Counts the distinct values among packed ones of a fixed width."""

    def __init__(self, width: int) -> None:
        self._width = width

    def create_accumulator(self) -> set[bytes]:
        """Returns an empty accumulator."""
        return set()

    def add_input(self, accumulator: set[bytes], element: bytes) -> set[bytes]:
        """Adds packed values."""
        accumulator.update(unpack(element, self._width))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[set[bytes]]) -> set[bytes]:
        """Unites accumulators."""
        return set().union(*accumulators)

    def extract_output(self, accumulator: set[bytes]) -> int:
        """Returns how many distinct values there are."""
        return len(accumulator)


def unpack(packed: bytes, width: int) -> Iterator[bytes]:
    """Yields the values of that many bytes each that `Concatenate` joined."""
    return (packed[start : start + width] for start in range(0, len(packed), width))
