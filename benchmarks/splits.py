"""The curated papers of a CSV file in their splits, by pandas and the product's own rule.

    python -m benchmarks.splits --data FILE --output FILE

writes the abstracts of each split as JSON, for processes that must not import TensorFlow.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from components.baselines.papers import encode_labels
from components.example_gen.settings import DataSettings
from components.example_gen.split import SplitRule, label_set_key, split_of
from components.papers.raw_paper import RawPaper
from schema import names

# Multi-hot labels [n, L], and how many labels of each paper no training paper has, [n].
Truth = tuple[NDArray[np.bool_], NDArray[np.int64]]


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def main(data: Path, output: Path) -> None:
    """Writes a JSON object: a list of abstracts for each split."""
    splits = read_splits(data)
    texts = {name: [paper.abstract for paper in papers] for name, papers in splits.items()}
    output.write_text(json.dumps(texts), "utf-8")


def read_splits(csv: Path) -> dict[str, list[RawPaper]]:
    """Reads, curates and splits the papers as ExampleGen does, by split name.

    Args:
        csv: A file in the form of the Keras example's, without malformed rows.
    """
    frame = pd.read_csv(csv, keep_default_na=False)
    frame = frame[~frame[names.TITLES].duplicated()]
    frame = frame.groupby(names.TERMS).filter(lambda rows: len(rows) > 1)
    rule = SplitRule(DataSettings())
    splits: dict[str, list[RawPaper]] = {name: [] for name in names.SPLITS}
    for value, rows in frame.groupby(names.TERMS):
        orders = [rule.order(title) for title in rows[names.TITLES]]
        bounds = rule.bounds(label_set_key(value), sorted(orders))
        labels = tuple(dict.fromkeys(ast.literal_eval(value)))
        papers = zip(orders, rows[names.TITLES], rows[names.SUMMARIES], strict=True)
        for order, title, abstract in papers:
            splits[split_of(order, bounds)].append(RawPaper(title, abstract, labels))
    return splits


def encode(splits: dict[str, list[RawPaper]]) -> dict[str, Truth]:
    """Encodes the labels of all splits against those of training, by falling frequency there."""
    counts = Counter(label for paper in splits[names.TRAIN] for label in paper.labels)
    columns = [label for label, _ in counts.most_common()]
    return {name: encode_labels(papers, columns) for name, papers in splits.items()}


if __name__ == "__main__":
    main()
