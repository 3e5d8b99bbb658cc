"""What a network predicts for a split, and how good that is."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.labels.thresholds import tune_threshold
from components.metrics.classification import binary_accuracy, count_labels, micro_f1
from components.metrics.inputs import apply_in_chunks
from components.metrics.ranking import lrap, ndcg_at_k
from components.trainer.loss import mean_logits
from schema import names
from schema.errors import BadInputError

FIGURES: Final = (
    "val_loss",
    "val_binary_accuracy",
    "val_lrap",
    "val_ndcg@5",
    "val_micro_f1",
    "val_threshold",
)


class Predictions(NamedTuple):
    """A split's truth and the network's predictions.

    Attributes:
        y_true: Multi-hot truth, float32 [n, L].
        logits: Output of the network, float32 [n, L].
        unknown: True labels outside the vocabulary, int64 [n].
        known: Whether an n-gram of the paper is in the vocabulary, bool [n]; else the served model
            suggests nothing.
    """

    y_true: NDArray[np.float32]
    logits: NDArray[np.float32]
    unknown: NDArray[np.int64]
    known: NDArray[np.bool_]


class Predictor:
    """Runs a network over a split, batch by batch, compiled once.

    Args:
        model: A network of `build_network`.
        dataset: Of `make_dataset(shuffle=False, include_unknown=True)`.
    """

    def __init__(self, model: keras.Model, dataset: tf.data.Dataset) -> None:
        self._dataset = dataset
        self._forward = tf.function(
            lambda inputs: mean_logits(model(inputs, training=False)),
            input_signature=[dataset.element_spec[0]],
            jit_compile=False,
        )

    @property
    def graph(self) -> tf.Graph:
        """The network as TensorFlow runs it."""
        return self._forward.get_concrete_function().graph

    def predict(self) -> Predictions:
        """Returns truth and predictions in the dataset's order.

        Raises:
            BadInputError: The split is empty.
        """
        truths, logits, unknowns, known = [], [], [], []
        for inputs, truth, unknown in self._dataset:
            logits.append(self._forward(inputs).numpy())
            truths.append(truth.numpy())
            unknowns.append(unknown.numpy())
            # 0 is padding, or the column of all n-grams outside the vocabulary.
            ids = inputs.get(names.MODEL_IDS, tf.ones([tf.shape(truth)[0], 1])).numpy()
            known.append((ids > 0).any(axis=1))
        if not truths:
            raise BadInputError("the validation split is empty: raise data.validation_share")
        return Predictions(*map(np.concatenate, (truths, logits, unknowns, known)))


def validation_figures(predictions: Predictions) -> dict[str, float]:
    """Scores the validation split for one epoch.

    Loss and binary accuracy cover the known labels only, as Keras computes the training ones; the
    others count labels outside the vocabulary as missed.

    Returns:
        The values of `FIGURES`, val_micro_f1 at the tuned val_threshold; all NaN if the network
        has diverged.
    """
    truth, logits, unknown, known = predictions
    loss = _cross_entropy(truth, logits)
    if not np.isfinite(loss):
        return dict.fromkeys(FIGURES, np.nan)
    probabilities = tf.sigmoid(logits).numpy()
    # Below any threshold, which is above 0.
    suggestible = np.where(known[:, np.newaxis], probabilities, np.float32(0))
    threshold = tune_threshold(truth, suggestible, unknown)
    return {
        "val_loss": loss,
        "val_binary_accuracy": binary_accuracy(count_labels(truth, probabilities, 0.5)),
        "val_lrap": float(lrap(truth, probabilities, unknown).mean()),
        "val_ndcg@5": float(ndcg_at_k(truth, probabilities, 5, unknown).mean()),
        "val_micro_f1": micro_f1(count_labels(truth, suggestible, threshold, unknown)),
        "val_threshold": threshold,
    }


def _cross_entropy(truth: NDArray[Any], logits: NDArray[Any]) -> float:
    """Mean binary cross-entropy from logits, max(x, 0) - x * t + log(1 + exp(-|x|))."""

    def of_papers(rows: slice) -> NDArray[np.float64]:
        x = logits[rows].astype(np.float64)
        cells = np.maximum(x, 0) - x * truth[rows] + np.log1p(np.exp(-np.abs(x)))
        return np.asarray(cells.mean(axis=1))

    return float(apply_in_chunks(logits.shape, of_papers).mean())
