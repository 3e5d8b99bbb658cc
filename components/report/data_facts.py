"""What the splits hold: the lengths of the papers, and the frequencies of the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from components.papers.examples import read_papers

PERCENTILES: Final = (1, 5, 25, 50, 75, 95, 99, 100)


def describe_splits(folders: Mapping[str, str]) -> dict[str, Any]:
    """Reads the papers of all splits once, in bounded memory.

    Args:
        folders: The folder of each split, by name.

    Returns:
        Ready for JSON: `words`, for each split the percentiles of the words per abstract (split
        at white space), by percentile as text; `labels_per_paper`, for each split the number of
        papers with 0, 1, 2, ... labels; `labels`, each label with its number of papers in every
        split, the most frequent in the first split first.
    """
    words: dict[str, dict[str, int]] = {}
    numbers: dict[str, list[int]] = {}
    counts: dict[str, Counter[str]] = {}
    for split, folder in folders.items():
        words_of, numbers_of, counts[split] = _read(folder)
        words[split] = percentiles(words_of)
        numbers[split] = [numbers_of[size] for size in range(max(numbers_of, default=0) + 1)]
    labels = sorted(
        set().union(*counts.values()),
        key=lambda label: ([-counts[split][label] for split in counts], label),
    )
    return {
        "words": words,
        "labels_per_paper": numbers,
        "labels": [
            {"label": label, **{split: counts[split][label] for split in counts}}
            for label in labels
        ],
    }


def percentiles(counts: Mapping[int, int]) -> dict[str, int]:
    """Returns the percentiles of a number from its frequencies; 0 if there are none."""
    values = np.repeat(list(counts), list(counts.values())) if counts else np.zeros(1)
    found = np.percentile(values, PERCENTILES, method="inverted_cdf")
    return {str(share): int(value) for share, value in zip(PERCENTILES, found, strict=True)}


def _read(folder: str) -> tuple[Counter[int], Counter[int], Counter[str]]:
    """Counts the words of the abstracts, the labels of the papers, and the papers of a label."""
    words: Counter[int] = Counter()
    numbers: Counter[int] = Counter()
    labels: Counter[str] = Counter()
    for paper in read_papers(folder):
        words[len(paper.abstract.split())] += 1
        numbers[len(paper.labels)] += 1
        labels.update(paper.labels)
    return words, numbers, labels
