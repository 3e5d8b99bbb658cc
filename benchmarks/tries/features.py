"""The transformed papers of a finished run, and of the rows that it left out."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import scipy.sparse
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.trainer.input_pipeline import label_count, make_dataset, vocabulary_size
from components.trainer.transform_graph import TransformGraph
from schema import names

Floats: TypeAlias = NDArray[np.float32]

_AT_ONCE = 512


class Papers(NamedTuple):
    """Weighted n-grams, sparse [n, V], and multi-hot labels, [n, L]."""

    rows: scipy.sparse.csr_matrix
    labels: Floats

    def __add__(self, other: object) -> Papers:
        """Returns these papers and others below them."""
        assert isinstance(other, Papers)
        rows = scipy.sparse.vstack([self.rows, other.rows]).tocsr()
        return Papers(rows, np.concatenate([self.labels, other.labels]))

    def where(self, chosen: NDArray[np.bool_]) -> Papers:
        """Returns some of the papers."""
        return Papers(self.rows[chosen], self.labels[chosen])


def read_split(run: Path, split: str) -> Papers:
    """Reads what Transform wrote for a split."""
    transform = _transform(run)
    spec = transform.transformed_feature_spec()
    files = str(run / f"pipeline/Transform/transformed_examples/*/Split-{split}/*")
    parts, labels = [], []
    for inputs, truth in make_dataset(files, spec, _AT_ONCE, shuffle=False, seed=0):
        ids, weights = inputs[names.MODEL_IDS].numpy(), inputs[names.MODEL_WEIGHTS].numpy()
        at, column = np.nonzero(weights)
        shape = len(ids), vocabulary_size(spec)
        cells = weights[at, column], (at, ids[at, column])
        parts.append(scipy.sparse.csr_matrix(cells, shape=shape))
        labels.append(truth.numpy())
    assert label_count(spec) == labels[0].shape[1]
    return Papers(scipy.sparse.vstack(parts).tocsr(), np.concatenate(labels))


def read_left_out(run: Path, csv: Path) -> Papers:
    """Transforms the papers whose label set occurs once, with those labels that the run knows."""
    frame = pd.read_csv(csv, keep_default_na=False)
    frame = frame[~frame[names.TITLES].duplicated()]
    frame = frame[~frame[names.TERMS].duplicated(keep=False)]
    transform = _transform(run)
    known = {
        each.decode(): column
        for column, each in enumerate(transform.vocabulary_by_name(names.LABEL_VOCABULARY))
    }
    labels = np.zeros((len(frame), len(known)), np.float32)
    for row, value in enumerate(frame[names.TERMS]):
        labels[row, [known[each] for each in ast.literal_eval(value) if each in known]] = 1
    graph = TransformGraph(transform.transform_savedmodel_dir)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
    def read(titles: tf.Tensor, abstracts: tf.Tensor) -> tf.SparseTensor:
        raw = {names.TITLES: titles, names.SUMMARIES: abstracts}
        return graph(raw, [names.TFIDF])[names.TFIDF]

    parts = []
    for start in range(0, len(frame), _AT_ONCE):
        part = frame[start : start + _AT_ONCE]
        found = read(*(tf.constant(list(part[each])) for each in (names.TITLES, names.SUMMARIES)))
        cells = found.values.numpy(), found.indices.numpy().T
        parts.append(scipy.sparse.csr_matrix(cells, shape=found.shape))
    return Papers(scipy.sparse.vstack(parts).tocsr(), labels)


def _transform(run: Path) -> tft.TFTransformOutput:
    (folder,) = (run / "pipeline/Transform/transform_graph").iterdir()
    return tft.TFTransformOutput(str(folder))
