"""The training papers as the baselines use them: label counts and a sample, and encoded labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.papers.raw_paper import RawPaper


@dataclass(frozen=True)
class TrainingPapers:
    """What one pass over the training split keeps.

    Attributes:
        count: Number of papers.
        labels: Their labels, most frequent first, ties by falling name: as in Transform's label
            vocabulary.
        frequencies: Share of the papers with each label, [L].
        sample: The papers, or a sample of them, in the order of the split.
    """

    count: int
    labels: list[str]
    frequencies: NDArray[np.float32]
    sample: list[RawPaper]


def collect(papers: Iterable[RawPaper], most: int, seed: int) -> TrainingPapers:
    """Counts the labels of a stream of papers and keeps a sample in bounded memory.

    It is a reservoir sample (Vitter, Random Sampling with a Reservoir, 1985, algorithm R): every
    paper is equally likely to be in it.

    Args:
        papers: The stream.
        most: Maximum number of papers to keep.
        seed: Seed of the sample.
    """
    generator = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    kept: list[tuple[int, RawPaper]] = []
    number = 0
    for number, paper in enumerate(papers, start=1):
        counts.update(paper.labels)
        if len(kept) < most:
            kept.append((number, paper))
        elif (place := int(generator.integers(number))) < most:
            kept[place] = (number, paper)
    labels = sorted(counts, key=lambda label: (counts[label], label.encode()), reverse=True)
    return TrainingPapers(
        count=number,
        labels=labels,
        frequencies=np.array([counts[label] / number for label in labels], dtype=np.float32),
        sample=[paper for _, paper in sorted(kept, key=lambda pair: pair[0])],
    )


def encode_labels(
    papers: Sequence[RawPaper], labels: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Encodes true labels: multi-hot [n, L], and how many have no column, [n]."""
    column = {label: index for index, label in enumerate(labels)}
    truth = np.zeros((len(papers), len(labels)), dtype=bool)
    unknown = np.zeros(len(papers), dtype=np.int64)
    for row, paper in enumerate(papers):
        for label in (*paper.labels, *paper.left_out):
            if label in column:
                truth[row, column[label]] = True
            else:
                unknown[row] += 1
    return truth, unknown
