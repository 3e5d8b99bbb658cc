"""The slices of papers that are measured separately, and the ones a paper belongs to."""

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

# Whether the last blessed model was not trained on the paper: the gate compares models on those.
NEW_TO_LAST_MODEL: Final = "new_to_last_model"
YES: Final = "yes"
NO: Final = "no"

OTHER: Final = "other"
FREQUENT: Final = "frequent"
RARE: Final = "rare"

# Number of archives with their own slice; labels without dots are an archive each.
MOST_ARCHIVES: Final = 20
# The first quarter of the vocabulary is frequent; all other labels are rare.
FREQUENT_SHARE: Final = 0.25

_MANY_LABELS: Final = 5
_WORDS: Final = (100, 150, 200, 250)

# `cs.LG` is in the archive cs and `hep-th` in hep-th; a code such as `68T45` is in none.
_ARCHIVE: Final = re.compile(r"([a-z]+(?:-[a-z]+)*)(?:\.|$)")

# The values of each slice in reading order. Archives have no order.
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
    """Sorts papers into slices; every paper has exactly one value of each slice."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Takes the model's labels, most frequent in training first."""
        archives = dict.fromkeys(map(_archive, vocabulary))
        archives.pop(OTHER, None)
        self._archives = frozenset(list(archives)[:MOST_ARCHIVES])
        frequent = math.ceil(FREQUENT_SHARE * len(vocabulary))
        self._frequent = frozenset(vocabulary[:frequent])

    def of(self, labels: Sequence[str], abstract: str) -> dict[str, str]:
        """Returns the value of each of `SLICES`.

        Args:
            labels: The paper's true labels, the primary one first, as arXiv lists them.
            abstract: Its abstract.

        Returns:
            `archive`: the primary label up to its first dot, or `other` if that is no archive or
            not among the most frequent ones; `number_of_labels`, including labels outside the
            vocabulary; `abstract_words`, split at white space; `rarest_label`: `frequent` if all
            labels are in the most frequent quarter of the vocabulary.
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
