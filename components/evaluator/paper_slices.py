"""The groups of papers that are measured apart, and which of them a paper belongs to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

ARCHIVE: Final = "archive"
NUMBER_OF_LABELS: Final = "number_of_labels"
ABSTRACT_WORDS: Final = "abstract_words"
RAREST_LABEL: Final = "rarest_label"
SLICES: Final = (ARCHIVE, NUMBER_OF_LABELS, ABSTRACT_WORDS, RAREST_LABEL)

# Whether the last blessed model was not trained on the paper: the gate compares on those alone.
NEW_TO_LAST_MODEL: Final = "new_to_last_model"
YES: Final = "yes"
NO: Final = "no"

OTHER: Final = "other"
FREQUENT: Final = "frequent"
RARE: Final = "rare"

# Archives with a slice of their own; a vocabulary without dots has one for each label.
MOST_ARCHIVES: Final = 20
# The first quarter of the vocabulary is frequent, what comes after it or lies outside is rare.
FREQUENT_SHARE: Final = 0.25

_MANY_LABELS: Final = 5
_WORDS: Final = (100, 150, 200, 250)

# `cs.LG` is in the archive cs and `hep-th` in hep-th; a code such as `68T45` is in none.
_ARCHIVE: Final = re.compile(r"([a-z]+(?:-[a-z]+)*)(?:\.|$)")

# The values of a slice in the order in which a person reads them. Archives have none.
ORDERED_VALUES: Final[Mapping[str, Sequence[str]]] = {
    NUMBER_OF_LABELS: (*map(str, range(_MANY_LABELS)), f"{_MANY_LABELS} or more"),
    ABSTRACT_WORDS: (
        f"under {_WORDS[0]}",
        *(f"{low} to {high - 1}" for low, high in pairwise(_WORDS)),
        f"{_WORDS[-1]} or more",
    ),
    RAREST_LABEL: (FREQUENT, RARE),
}


class PaperSlices:
    """Sorts papers into slices; every paper is in exactly one of each kind."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Takes the labels that the model knows, most frequent in training first."""
        archives = dict.fromkeys(map(_archive, vocabulary))
        archives.pop(OTHER, None)
        self._archives = frozenset(list(archives)[:MOST_ARCHIVES])
        frequent = math.ceil(FREQUENT_SHARE * len(vocabulary))
        self._frequent = frozenset(vocabulary[:frequent])

    def of(self, labels: Sequence[str], abstract: str) -> dict[str, str]:
        """Returns the value of each of `SLICES`.

        Args:
            labels: The paper's true labels, the primary one first, as arXiv lists them.
            abstract: Its text.

        Returns:
            `archive`, the primary label up to its first dot, `other` where that is none or not
            among the model's most frequent ones; `number_of_labels`, those outside the
            vocabulary included; `abstract_words`, by white space; `rarest_label`, `frequent`
            where all labels are among the model's most frequent quarter.
        """
        archive = _archive(labels[0]) if labels else OTHER
        number = min(len(set(labels)), _MANY_LABELS)
        words = len(abstract.split())
        bucket = sum(words >= low for low in _WORDS)
        return {
            ARCHIVE: archive if archive in self._archives else OTHER,
            NUMBER_OF_LABELS: ORDERED_VALUES[NUMBER_OF_LABELS][number],
            ABSTRACT_WORDS: ORDERED_VALUES[ABSTRACT_WORDS][bucket],
            RAREST_LABEL: FREQUENT if self._frequent.issuperset(labels) else RARE,
        }


def _archive(label: str) -> str:
    found = _ARCHIVE.match(label)
    return found.group(1) if found else OTHER
