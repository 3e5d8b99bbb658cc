"""Beam combiners over packed bytes: many small values in few large elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apache_beam as beam


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
