"""The loss: cross-entropy of every label, for each member; rare labels can weigh more."""

from __future__ import annotations

from typing import Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

# Papers at which the extra weight of a rare label has fallen to 1 / e.
_RARE_PAPERS: Final = 200.0


def mean_logits(logits: tf.Tensor) -> tf.Tensor:
    """Returns the network's answer as one, [n, L].

    Args:
        logits: Output of `build_model`: [n, L], or [n, members, L], which is averaged.
    """
    return logits if logits.shape.rank == 2 else tf.reduce_mean(logits, axis=1)


def positive_weights(label_counts: NDArray[np.int64], rare_weight: float) -> NDArray[np.float32]:
    """Computes the weight of a paper that has a label in that label's loss, float32 [L].

    It is 1 + rare_weight * exp(-papers / 200), so labels with many papers keep the weight 1.

    Args:
        label_counts: Training papers of each label, [L].
        rare_weight: What is added for a label without papers.
    """
    rarity = np.exp(-label_counts.astype(np.float64) / _RARE_PAPERS)
    weights: NDArray[np.float32] = (1.0 + rare_weight * rarity).astype(np.float32)
    return weights


def prior_logits(label_counts: NDArray[np.int64], papers: int) -> NDArray[np.float32]:
    """Computes the logit of each label's share of the papers, float32 [L].

    As biases they let training start from each label's frequency (Lin et al. 2017, Focal Loss for
    Dense Object Detection, section 4.1, has one such prior for all classes). Half a paper with
    and half a paper without the label are added, so that no logit is infinite.

    Args:
        label_counts: Training papers of each label, [L].
        papers: All training papers.
    """
    having = label_counts.astype(np.float64) + 0.5
    logits: NDArray[np.float32] = np.log(having / (papers - label_counts + 0.5)).astype(np.float32)
    return logits


class MemberCrossentropy(keras.losses.Loss):
    """Mean binary cross-entropy from logits over all cells of all members.

    Args:
        positive_weights: Weight of a label's true cells, [L]; None means 1 for all.
    """

    def __init__(self, positive_weights: NDArray[np.float32] | None = None) -> None:
        super().__init__()
        self._weights = np.ones(1) if positive_weights is None else positive_weights

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of each paper, [n]; `y_pred` is [n, L] or [n, members, L]."""
        truth = tf.cast(y_true, y_pred.dtype)
        weights = 1.0 + truth * (tf.constant(self._weights, y_pred.dtype) - 1.0)
        if y_pred.shape.rank == 3:
            truth, weights = truth[:, tf.newaxis], weights[:, tf.newaxis]
        cells = tf.nn.sigmoid_cross_entropy_with_logits(
            tf.broadcast_to(truth, tf.shape(y_pred)), y_pred
        )
        weighted = cells * weights
        return tf.reduce_mean(weighted, axis=list(range(1, y_pred.shape.rank)))


def binary_accuracy(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Returns 1 where a cell is right at probability 0.5, else 0, [n, L]."""
    # A logit above 0 is a probability above 0.5.
    return keras.metrics.binary_accuracy(y_true, mean_logits(y_pred), threshold=0.0)
