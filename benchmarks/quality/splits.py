"""The curated papers of a CSV file in their splits, by pandas and the product's own rule."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from components.example_gen.settings import DataSettings
from components.example_gen.split import SplitRule, label_set_key
from schema import names
from schema.text import join_title_and_abstract


@dataclass(frozen=True)
class Paper:
    """A curated paper."""

    title: str
    abstract: str
    labels: tuple[str, ...]

    @property
    def text(self) -> str:
        """Title and abstract, as the model reads them."""
        return join_title_and_abstract(self.title, self.abstract)


@dataclass(frozen=True)
class Truth:
    """The true labels of a split.

    Attributes:
        multi_hot: float32 [n, L], labels by falling frequency in training.
        unknown: Labels that no training paper has, int64 [n].
    """

    multi_hot: NDArray[np.float32]
    unknown: NDArray[np.int64]


def read_splits(csv: Path, seed: int) -> dict[str, list[Paper]]:
    """Reads, curates and splits the papers as ExampleGen does, by split name.

    Args:
        csv: A file in the form of the Keras example's, without malformed rows.
        seed: `data.seed`.
    """
    frame = pd.read_csv(csv, keep_default_na=False)
    frame = frame[~frame[names.TITLES].duplicated()]
    frame = frame.groupby(names.TERMS).filter(lambda rows: len(rows) > 1)
    rule = SplitRule(DataSettings(seed=seed))
    splits: dict[str, list[Paper]] = {name: [] for name in names.SPLITS}
    for value, rows in frame.groupby(names.TERMS):
        orders = [rule.order(title) for title in rows[names.TITLES]]
        bounds = rule.bounds(label_set_key(value), sorted(orders))
        labels = tuple(dict.fromkeys(ast.literal_eval(value)))
        papers = zip(orders, rows[names.TITLES], rows[names.SUMMARIES], strict=True)
        for order, title, abstract in papers:
            if order < bounds.test:
                split = names.TEST
            else:
                split = names.VALIDATION if order < bounds.validation else names.TRAIN
            splits[split].append(Paper(title, abstract, labels))
    return splits


def encode(splits: dict[str, list[Paper]]) -> dict[str, Truth]:
    """Encodes the labels of all splits against those of the training papers."""
    counts: dict[str, int] = defaultdict(int)
    for paper in splits[names.TRAIN]:
        for label in paper.labels:
            counts[label] += 1
    column = {label: i for i, label in enumerate(sorted(counts, key=lambda each: -counts[each]))}
    truths = {}
    for name, papers in splits.items():
        multi_hot = np.zeros((len(papers), len(column)), np.float32)
        unknown = np.zeros(len(papers), np.int64)
        for row, paper in enumerate(papers):
            for label in paper.labels:
                if label in column:
                    multi_hot[row, column[label]] = 1.0
                else:
                    unknown[row] += 1
        truths[name] = Truth(multi_hot, unknown)
    return truths
