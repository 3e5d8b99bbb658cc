"""The rule that splits papers into train, validation and test, within each label set.

The n papers of a label set (the whole value of the label column) are ordered by a seeded hash of
their key, and u in [0, 1) is a seeded hash of the value. The first floor(test * n + u) papers are
test, those up to floor((test + validation) * n + u) validation, the rest train.

So every label set, rare ones too, reaches test and validation in proportion (plain flooring
would give the rare ones nothing), neither the order of the rows nor the number of workers
matters, and a data set that grows moves few papers from one split to another.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from components.example_gen.settings import DataSettings
from schema import names

ORDER_BITS: Final = 63
"""Bits of a paper's order, so that a bound above all of them fits in 8 bytes."""

_FLOAT_BITS: Final = 53


class Bounds(NamedTuple):
    """Where the splits of one label set end, in terms of `SplitRule.order`.

    Attributes:
        test: Papers whose order is below it are test.
        validation: Papers whose order is below it, and not below `test`, are validation.
    """

    test: int
    validation: int


def paper_digest(key: str) -> bytes:
    """Returns the 16 bytes that stand for a paper's key (`RawPaper.key`)."""
    return hashlib.blake2b(key.encode(), digest_size=16, person=b"paper").digest()


def text_digest(text: str) -> bytes:
    """Returns the 8 bytes that stand for a paper's text."""
    return hashlib.blake2b(text.encode(), digest_size=8, person=b"text").digest()


def label_set_key(label_set: str) -> bytes:
    """Returns the 16 bytes that stand for a label set."""
    return hashlib.blake2b(label_set.encode(), digest_size=16, person=b"label set").digest()


class SplitRule:
    """The rule with its seed and shares."""

    def __init__(self, settings: DataSettings) -> None:
        self._seed = hashlib.blake2b(str(settings.seed).encode(), digest_size=32).digest()
        self._shares = settings.test_share, settings.test_share + settings.validation_share

    def order(self, key: str) -> int:
        """Returns where a paper with that key comes in its label set, in [0, 2**63)."""
        return self._hash(key.encode(), b"order") >> (64 - ORDER_BITS)

    def offset(self, label_set: bytes) -> float:
        """Returns u in [0, 1) of the label set with that `label_set_key`."""
        return float(self._hash(label_set, b"offset") >> (64 - _FLOAT_BITS)) / 2.0**_FLOAT_BITS

    def bounds(self, label_set: bytes, orders: Sequence[int]) -> Bounds:
        """Finds where the splits of a label set end.

        Args:
            label_set: The `label_set_key`.
            orders: The orders of all its papers, ascending.

        Returns:
            The bounds. Papers with the same order (one pair in 2**63) stay together: at a bound
            both go to the later split.
        """
        count, offset = len(orders), self.offset(label_set)
        ends = [math.floor(share * count + offset) for share in self._shares]
        return Bounds(*(int(orders[end]) if end < count else 2**ORDER_BITS for end in ends))

    def _hash(self, value: bytes, purpose: bytes) -> int:
        digest = hashlib.blake2b(value, digest_size=8, key=self._seed, person=purpose)
        return int.from_bytes(digest.digest(), "big")


def split_of(order: int, bounds: Bounds) -> str:
    """Returns the split of the paper with that order in its label set."""
    if order < bounds.test:
        return names.TEST
    return names.VALIDATION if order < bounds.validation else names.TRAIN
