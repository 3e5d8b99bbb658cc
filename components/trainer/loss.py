"""The loss: cross-entropy of every label, for each member, rare labels' papers weighing more."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def mean_logits(logits: tf.Tensor) -> tf.Tensor:
    """Returns what the network says as a whole, [n, L].

    Args:
        logits: Output of `build_model`: [n, L], or [n, members, L], of which the mean is taken.
    """
    return logits if logits.shape.rank == 2 else tf.reduce_mean(logits, axis=1)


def positive_weights(
    label_counts: NDArray[np.int64], rare_weight: float, rare_papers: float
) -> NDArray[np.float32]:
    """Computes how much a paper that has a label weighs in that label's loss, float32 [L].

    1 + rare_weight * exp(-papers / rare_papers): labels with far more papers than `rare_papers`
    keep the weight 1.

    Args:
        label_counts: Training papers of each label, [L].
        rare_weight: What a label without papers weighs more.
        rare_papers: Papers at which that has fallen to 1 / e.
    """
    rarity = np.exp(-label_counts.astype(np.float64) / rare_papers)
    weights: NDArray[np.float32] = (1.0 + rare_weight * rarity).astype(np.float32)
    return weights


def prior_logits(label_counts: NDArray[np.int64], papers: int) -> NDArray[np.float32]:
    """Computes the logit of each label's share of the papers, float32 [L].

    As biases they let training start from how frequent each label is (Lin et al. 2017, Focal
    Loss for Dense Object Detection, section 4.1, has one such prior for all classes). Half a
    paper with and one without the label are added, so that no logit is infinite.

    Args:
        label_counts: Training papers of each label, [L].
        papers: Training papers in all.
    """
    having = label_counts.astype(np.float64) + 0.5
    logits: NDArray[np.float32] = np.log(having / (papers - label_counts + 0.5)).astype(np.float32)
    return logits


@keras.saving.register_keras_serializable(package="arxiv_tagger")
class MemberCrossentropy(keras.losses.Loss):
    """Mean binary cross-entropy from logits over all cells of all members.

    Args:
        positive_weights: Weight of the cells that are true, by label, [L]; None stands for all
            one.
        **kwargs: Of `keras.losses.Loss`.
    """

    def __init__(self, positive_weights: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        given = [1.0] if positive_weights is None else positive_weights
        self.positive_weights = [float(weight) for weight in given]

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of each paper, [n]; `y_pred` is [n, L] or [n, members, L]."""
        truth = tf.cast(y_true, y_pred.dtype)
        weights = 1.0 + truth * (tf.constant(self.positive_weights, y_pred.dtype) - 1.0)
        if y_pred.shape.rank == 3:
            truth, weights = truth[:, tf.newaxis], weights[:, tf.newaxis]
        cells = tf.nn.sigmoid_cross_entropy_with_logits(
            tf.broadcast_to(truth, tf.shape(y_pred)), y_pred
        )
        weighted = cells * weights
        return tf.reduce_mean(weighted, axis=list(range(1, y_pred.shape.rank)))

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs to make the same loss."""
        return {**super().get_config(), "positive_weights": self.positive_weights}


@keras.saving.register_keras_serializable(package="arxiv_tagger")
def binary_accuracy(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Whether each cell is right at probability one half, 0 or 1, [n, L]."""
    # A logit above 0 is a probability above one half.
    return keras.metrics.binary_accuracy(y_true, mean_logits(y_pred), threshold=0.0)
