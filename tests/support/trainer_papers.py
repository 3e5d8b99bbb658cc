"""Synthetic transformed examples that a small network can learn, and their files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from schema import names

VOCABULARY = 60
LABELS = 6


@dataclass(frozen=True)
class Paper:
    """One example: sparse n-gram weights, label columns, true labels outside the vocabulary.

    And the key of its title.
    """

    ids: list[int]
    weights: list[float]
    labels: list[int]
    unknown: int = 0
    key: int = 0


def feature_spec(vocabulary: int = VOCABULARY, labels: int = LABELS) -> dict:
    """The spec that Transform's output has."""

    def sparse(name: str, size: int) -> tf.io.SparseFeature:
        return tf.io.SparseFeature(
            index_key=[f"{name}$sparse_indices_0"],
            value_key=f"{name}$sparse_values",
            dtype=tf.float32,
            size=[size],
            already_sorted=False,
        )

    return {
        names.TFIDF: sparse(names.TFIDF, vocabulary),
        names.LABELS: sparse(names.LABELS, labels),
        names.UNKNOWN_LABELS: tf.io.FixedLenFeature([], tf.int64),
        names.PAPER_KEY: tf.io.FixedLenFeature([], tf.int64),
    }


def random_papers(count: int, seed: int = 0) -> list[Paper]:
    """Papers whose n-grams tell their labels, with noise; every tenth has an unknown label."""
    rng = np.random.default_rng(seed)
    papers = []
    for number in range(count):
        labels = sorted(rng.choice(LABELS, size=rng.integers(1, 3), replace=False).tolist())
        telling = [10 * label + int(rng.integers(10)) for label in labels for _ in range(3)]
        ids = sorted({*telling, *rng.integers(0, VOCABULARY, 4).tolist()})
        weights = (rng.random(len(ids)) + 0.5).astype(np.float32).tolist()
        papers.append(Paper(ids, weights, labels, unknown=int(number % 10 == 0)))
    return papers


def serialize(paper: Paper) -> bytes:
    """The paper as a tf.Example with the keys of `feature_spec`."""
    ints = {
        f"{names.TFIDF}$sparse_indices_0": paper.ids,
        f"{names.LABELS}$sparse_indices_0": paper.labels,
        names.UNKNOWN_LABELS: [paper.unknown],
        names.PAPER_KEY: [paper.key],
    }
    floats = {
        f"{names.TFIDF}$sparse_values": paper.weights,
        f"{names.LABELS}$sparse_values": [1.0] * len(paper.labels),
    }
    feature = {
        **{k: tf.train.Feature(int64_list=tf.train.Int64List(value=v)) for k, v in ints.items()},
        **{k: tf.train.Feature(float_list=tf.train.FloatList(value=v)) for k, v in floats.items()},
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def write(papers: list[Paper], path: str) -> str:
    """Writes a TFRecord file and returns its path."""
    with tf.io.TFRecordWriter(path) as writer:
        for paper in papers:
            writer.write(serialize(paper))
    return path


def padded(rows: list[list[tuple[int, float]]]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of (id, weight) as the padded ids and weights that reach the network."""
    width = max(map(len, rows), default=0)
    ids = np.zeros((len(rows), width), np.int32)
    weights = np.zeros((len(rows), width), np.float32)
    for i, row in enumerate(rows):
        for j, (column, weight) in enumerate(row):
            ids[i, j], weights[i, j] = column, weight
    return ids, weights


def densified(ids: np.ndarray, weights: np.ndarray, width: int) -> np.ndarray:
    """The dense matrix that padded ids and weights stand for, [n, width]."""
    dense = np.zeros((len(ids), width), np.float32)
    rows = np.repeat(np.arange(len(ids)), ids.shape[1])
    np.add.at(dense, (rows, ids.ravel()), weights.ravel())
    return dense
