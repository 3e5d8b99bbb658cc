"""The counts of the splits against numpy and pandas."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from components.report.data_facts import describe_splits
from tests.support.saved_models import feature_example


def write(folder, papers, files=2) -> str:
    folder.mkdir(parents=True)
    for number in range(files):
        path = str(folder / f"data-{number}.gz")
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for text, labels in papers[number::files]:
                writer.write(feature_example(titles=["t"], summaries=[text], terms=labels))
    return str(folder)


def draw(seed: int, count: int) -> list[tuple[str, list[str]]]:
    dice = random.Random(seed)
    spaces = [" ", "  ", "\n", "\t "]
    return [
        (
            dice.choice(spaces).join(["wörd"] * dice.randint(0, 30)),
            dice.sample(["cs.LG", "cs.CV", "a; b", "größe", "rare"], k=dice.randint(1, 4)),
        )
        for _ in range(count)
    ]


def test_splits_are_described_as_pandas_does(tmp_path):
    splits = {"train": draw(1, 700), "val": draw(2, 40)}
    folders = {name: write(tmp_path / name, papers) for name, papers in splits.items()}
    found = describe_splits(folders)
    for name, papers in splits.items():
        frame = pd.DataFrame(papers, columns=["text", "labels"])
        words = frame.text.str.split().str.len()
        assert found["words"][name]["50"] == np.percentile(words, 50, method="inverted_cdf")
        assert found["words"][name]["100"] == words.max()
        sizes = frame.labels.str.len().value_counts()
        assert found["labels_per_paper"][name] == [
            int(sizes.get(size, 0)) for size in range(sizes.index.max() + 1)
        ]
        counts = frame.labels.explode().value_counts()
        assert {row["label"]: row[name] for row in found["labels"] if row[name]} == dict(counts)
    trained = [row["train"] for row in found["labels"]]
    assert trained == sorted(trained, reverse=True)


def test_a_label_that_only_the_test_papers_have_comes_last(tmp_path):
    papers = {"train": [("a b", ["x"])], "test": [("a", ["new"]), ("a", ["x"])]}
    folders = {name: write(tmp_path / name, each, 1) for name, each in papers.items()}
    assert describe_splits(folders)["labels"] == [
        {"label": "x", "train": 1, "test": 1},
        {"label": "new", "train": 0, "test": 1},
    ]


def test_an_empty_split_has_no_labels(tmp_path):
    (tmp_path / "val").mkdir()
    found = describe_splits({"val": str(tmp_path / "val")})
    assert found["labels"] == []
    assert found["labels_per_paper"] == {"val": [0]}
    assert set(found["words"]["val"].values()) == {0}


@pytest.mark.parametrize("label", [b"\xff\xfe", b"a\xc3"])
def test_a_label_that_is_not_utf8_is_escaped(tmp_path, label):
    path = str(tmp_path / "one.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        writer.write(feature_example(titles=[b""], summaries=[b"a"], terms=[label]))
    ((row),) = describe_splits({"train": str(tmp_path)})["labels"]
    assert row["label"] == label.decode("utf-8", "backslashreplace")
