"""Trains the product's network on features in memory, with soft labels if wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks.tries.features import Floats, Papers
from components.trainer.loss import mean_logits, positive_weights
from components.trainer.model import build_model, make_optimizer
from components.trainer.settings import TrainerSettings
from components.trainer.train import make_reproducible
from components.trainer.training_loop import run_epochs
from schema import names

_INPUTS: Final = {
    names.MODEL_IDS: tf.TensorSpec([None, None], tf.int32),
    names.MODEL_WEIGHTS: tf.TensorSpec([None, None], tf.float32),
}
_PREDICTED_AT_ONCE: Final = 512


class _SoftCrossentropy(keras.losses.Loss):
    """The product's loss where labels are 0 or 1; between them the mean of its two sides."""

    def __init__(self, weights: Floats) -> None:
        super().__init__()
        self._weights = weights

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        truth = y_true if y_pred.shape.rank == 2 else y_true[:, tf.newaxis]
        having = self._weights * truth * tf.nn.softplus(-y_pred)
        cells = having + (1 - truth) * tf.nn.softplus(y_pred)
        return tf.reduce_mean(cells, axis=list(range(1, y_pred.shape.rank)))


def fit(
    papers: Papers,
    settings: TrainerSettings,
    counts: NDArray[np.int64],
    total: int,
    correlate: bool = False,
) -> keras.Model:
    """Trains a network.

    Args:
        papers: Training papers; the labels may be soft.
        settings: As in the profile.
        counts: Papers of each label, for its weight and its first bias, [L].
        total: Papers that these are counts of.
        correlate: Whether a layer from all labels' probabilities is added to the logits.
    """
    make_reproducible(settings.seed)
    count, size = papers.labels.shape[0], settings.batch_size
    model = build_model(papers.rows.shape[1], len(counts), settings, counts, total)
    if correlate:
        layer = keras.layers.Dense(len(counts), kernel_initializer="zeros", name="labels")
        logits = model.output + layer(keras.ops.sigmoid(model.output))
        model = keras.Model({each: model.input[each] for each in _INPUTS}, logits, name="tagger")
    weights = positive_weights(counts, settings.rare_label_weight)
    model.compile(
        make_optimizer(settings, count // size), _SoftCrossentropy(weights), jit_compile=False
    )
    dice = np.random.default_rng(settings.seed)

    def batches() -> Iterator[tuple[dict[str, NDArray[np.generic]], Floats]]:
        order = dice.permutation(count)
        for start in range(0, count, size):
            batch = order[start : start + size]
            yield _padded(papers.rows[batch]), papers.labels[batch]

    spec = _INPUTS, tf.TensorSpec([None, len(counts)], tf.float32)
    run_epochs(
        model,
        tf.data.Dataset.from_generator(batches, output_signature=spec).prefetch(4),
        settings.epochs,
        [],
    )
    return model


def predict(model: keras.Model, rows: scipy.sparse.csr_matrix) -> Floats:
    """Returns the members' mean logits, [n, L]."""
    forward = tf.function(
        lambda inputs: mean_logits(model(inputs, training=False)), input_signature=[_INPUTS]
    )
    starts = range(0, rows.shape[0], _PREDICTED_AT_ONCE)
    parts = (rows[start : start + _PREDICTED_AT_ONCE] for start in starts)
    return np.concatenate([forward(_padded(part)).numpy() for part in parts])


def _padded(rows: scipy.sparse.csr_matrix) -> dict[str, NDArray[np.generic]]:
    sizes = np.diff(rows.indptr)
    at = np.repeat(np.arange(len(sizes)), sizes)
    column = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], sizes)
    ids = np.zeros((len(sizes), max(1, sizes.max())), np.int32)
    weights = np.zeros(ids.shape, np.float32)
    ids[at, column], weights[at, column] = rows.indices, rows.data
    return {names.MODEL_IDS: ids, names.MODEL_WEIGHTS: weights}
