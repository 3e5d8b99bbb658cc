"""Papers as the baselines read them: one text and the true labels, streamed from raw examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from components.example_gen.examples import parse_example, raw_examples
from components.transform.settings import ModelInput


class Labelled(Protocol):
    """What has true labels."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its true labels, each once."""


@dataclass(frozen=True)
class Paper:
    """What a baseline learns from.

    Attributes:
        text: What the model reads of it.
        labels: Its true labels, each once.
    """

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class TrainingPapers:
    """What one pass over the training split keeps.

    Attributes:
        count: Papers of the split.
        labels: Its labels, those of most papers first; ties by name, falling, as in the label
            vocabulary of Transform.
        frequencies: Share of the papers that has each label, [L].
        sample: All papers or a sample of them, in the order of the split.
    """

    count: int
    labels: list[str]
    frequencies: NDArray[np.float32]
    sample: list[Paper]


def read_papers(split_dir: str, text: ModelInput) -> Iterator[Paper]:
    """Reads the raw examples of a split, file by file in the order of their names.

    Args:
        split_dir: Its folder, with gzipped TFRecord files.
        text: Whether the title stands before the abstract, by the rule of `schema.text`.
    """
    for record in raw_examples(split_dir).as_numpy_iterator():
        paper = parse_example(record)
        yield Paper(paper.text if text == "title_and_abstract" else paper.abstract, paper.labels)


def collect(papers: Iterable[Paper], most: int, seed: int) -> TrainingPapers:
    """Counts the labels of a stream of papers and keeps a sample in bounded memory.

    The sample is that of a reservoir (Vitter, Random Sampling with a Reservoir, 1985, algorithm
    R): every paper is as likely to be in it, whatever their number.

    Args:
        papers: The stream.
        most: The most papers that are kept; where there are no more, all are.
        seed: Seed of the sample.
    """
    generator = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    kept: list[tuple[int, Paper]] = []
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
    papers: Sequence[Labelled], labels: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Encodes true labels: multi-hot [n, L], and how many have no column, [n]."""
    column = {label: index for index, label in enumerate(labels)}
    truth = np.zeros((len(papers), len(labels)), dtype=bool)
    unknown = np.zeros(len(papers), dtype=np.int64)
    for row, paper in enumerate(papers):
        for label in paper.labels:
            if label in column:
                truth[row, column[label]] = True
            else:
                unknown[row] += 1
    return truth, unknown
