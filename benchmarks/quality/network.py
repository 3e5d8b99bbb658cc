"""Trains the product's network, and variants that it does not have, on features in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks.quality.features import Matrix
from components.trainer.lazy_adam import LazyAdam
from components.trainer.loss import positive_weights, prior_logits

_PREDICTED_AT_ONCE: Final = 256
_RARE_PAPERS: Final = 200.0


@dataclass(frozen=True)
class Network:
    """A network and its training.

    Attributes:
        units: Units of a member's hidden layer.
        members: As in TrainerSettings, as are all up to `rare_label_weight`.
        loss: Cross-entropy; focal loss (Lin et al. 2017, gamma 2); asymmetric loss (Ridnik et
            al. 2021, gamma 0 for true and 1 for other cells).
        smoothing: Share of the truth that is each label's share of the papers (label smoothing).
        mixup: Parameter of the Beta distribution by which two papers are mixed; 0 mixes none
            (Zhang et al. 2018).
        input_dropout: Share of the n-grams dropped in training.
        skip: Whether a linear path leads from the n-grams to the logits.
        averaged: Weights are averaged over so many points of the last half of training.
    """

    units: int = 512
    members: int = 1
    dropout: float = 0.5
    learning_rate: float = 0.02
    epochs: int = 2
    batch_size: int = 128
    prior: bool = False
    rare_label_weight: float = 0.0
    loss: Literal["cross-entropy", "focal", "asymmetric"] = "cross-entropy"
    smoothing: float = 0.0
    mixup: float = 0.0
    input_dropout: float = 0.0
    skip: bool = False
    averaged: int = 0


class _Weights:
    """The variables of all members, in one kernel and one stack of output layers."""

    def __init__(self, columns: int, truth: NDArray[np.float32], network: Network) -> None:
        labels, units, members = truth.shape[1], network.units, network.members
        limits = [np.sqrt(6 / (columns + units)), np.sqrt(6 / (units + labels))]
        start = np.zeros(labels, np.float32)
        if network.prior:
            start = prior_logits(truth.sum(axis=0).astype(np.int64), len(truth))
        self.kernel = keras.Variable(
            tf.random.uniform([columns, members * units], -limits[0], limits[0])
        )
        self.bias = keras.Variable(tf.zeros([members * units]))
        self.output = keras.Variable(
            tf.random.uniform([members, units, labels], -limits[1], limits[1])
        )
        self.output_bias = keras.Variable(np.tile(start, (members, 1)))
        self.all = [self.kernel, self.bias, self.output, self.output_bias]
        if network.skip:
            self.skip = keras.Variable(tf.zeros([columns, labels]))
            self.all.append(self.skip)


def train_and_score(
    train: Matrix,
    truth: NDArray[np.float32],
    others: dict[str, Matrix],
    network: Network,
    seed: int,
) -> dict[str, NDArray[np.float32]]:
    """Trains and returns the mean logits of the members for other papers, [n, L] each.

    Args:
        train: Features of the training papers.
        truth: Their labels, multi-hot [n, L].
        others: Features of the papers to score.
        network: What is trained, and how.
        seed: Of the start, the dropout and the order.
    """
    keras.utils.set_random_seed(seed)
    dice = np.random.default_rng(seed)
    weights = _Weights(train.shape[1], truth, network)
    steps = network.epochs * (len(truth) // network.batch_size)
    rate = keras.optimizers.schedules.PolynomialDecay(network.learning_rate, steps, 0.0)
    optimizer = LazyAdam(rate)
    optimizer.build(weights.all)
    rarity = positive_weights(
        truth.sum(axis=0).astype(np.int64), network.rare_label_weight, _RARE_PAPERS
    )
    prior = truth.mean(axis=0)

    @tf.function(input_signature=[*_SPEC, tf.TensorSpec([None, None], tf.float32)])
    def step(ids: tf.Tensor, values: tf.Tensor, rows: tf.Tensor, labels: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            logits = _forward(weights, network, ids, values, rows, tf.shape(labels)[0], True)
            loss = _loss(logits, labels, network, rarity)
        optimizer.apply(tape.gradient(loss, [each.value for each in weights.all]), weights.all)

    @tf.function(input_signature=[*_SPEC, tf.TensorSpec([], tf.int32)])
    def predict(ids: tf.Tensor, values: tf.Tensor, rows: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        logits = _forward(weights, network, ids, values, rows, count, False)
        return tf.reduce_mean(logits, axis=1)

    averaged = [np.zeros(each.shape, np.float32) for each in weights.all if network.averaged]
    points = set(np.linspace(steps // 2, steps, network.averaged + 1)[1:].astype(int).tolist())
    for number, batch in enumerate(_batches(len(truth), network, dice), start=1):
        ids, values, rows = _entries(train, batch)
        labels = truth[batch] * (1 - network.smoothing) + network.smoothing * prior
        if network.input_dropout:
            kept = dice.random(len(ids)) >= network.input_dropout
            ids, values, rows = ids[kept], values[kept] / (1 - network.input_dropout), rows[kept]
        if network.mixup:
            (ids, values, rows), labels = _mix(train, truth, batch, network.mixup, dice)
        step(ids, values.astype(np.float32), rows, labels.astype(np.float32))
        if network.averaged and number in points:
            for total, each in zip(averaged, weights.all, strict=True):
                total += each.numpy() / network.averaged
    for total, each in zip(averaged, weights.all, strict=False):
        each.assign(total)
    return {name: _predict(predict, matrix) for name, matrix in others.items()}


_SPEC: Final = (
    tf.TensorSpec([None], tf.int32),
    tf.TensorSpec([None], tf.float32),
    tf.TensorSpec([None], tf.int64),
)


def _forward(
    weights: _Weights,
    network: Network,
    ids: tf.Tensor,
    values: tf.Tensor,
    rows: tf.Tensor,
    count: tf.Tensor,
    training: bool,
) -> tf.Tensor:
    """Returns the members' logits, [n, members, L]."""
    used, columns = tf.unique(ids, out_idx=tf.int64)
    shape = tf.stack([tf.cast(count, tf.int64), tf.size(used, out_type=tf.int64)])
    matrix = tf.SparseTensor(tf.stack([rows, columns], axis=1), values, shape)
    hidden = tf.sparse.sparse_dense_matmul(matrix, tf.gather(weights.kernel.value, used))
    hidden = tf.nn.relu(hidden + weights.bias.value)
    if training:
        hidden = tf.nn.dropout(hidden, network.dropout)
    parts = tf.reshape(hidden, [-1, network.members, network.units])
    logits = tf.einsum("nku,kul->nkl", parts, weights.output.value) + weights.output_bias.value
    if network.skip:
        linear = tf.sparse.sparse_dense_matmul(matrix, tf.gather(weights.skip.value, used))
        logits += linear[:, tf.newaxis]
    return logits


def _loss(
    logits: tf.Tensor, labels: tf.Tensor, network: Network, rarity: NDArray[np.float32]
) -> tf.Tensor:
    """Mean over papers and labels, summed over members: each moves as it would alone."""
    truth = tf.broadcast_to(labels[:, tf.newaxis], tf.shape(logits))
    cells = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits) * (1 + truth * (rarity - 1))
    probabilities = tf.sigmoid(logits)
    if network.loss == "focal":
        cells *= 2 * tf.where(truth > 0.5, 1 - probabilities, probabilities) ** 2
    if network.loss == "asymmetric":
        cells *= tf.where(truth > 0.5, tf.ones_like(probabilities), probabilities)
    return tf.reduce_sum(tf.reduce_mean(cells, axis=[0, 2]))


def _batches(papers: int, network: Network, dice: np.random.Generator) -> list[NDArray[np.int64]]:
    size = network.batch_size
    return [
        order[start : start + size]
        for order in (dice.permutation(papers) for _ in range(network.epochs))
        for start in range(0, papers - size + 1, size)
    ]


def _entries(
    matrix: Matrix, batch: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    part = matrix[batch]
    rows = np.repeat(np.arange(len(batch)), np.diff(part.indptr))
    return part.indices.astype(np.int32), part.data, rows.astype(np.int64)


def _mix(
    matrix: Matrix,
    truth: NDArray[np.float32],
    batch: NDArray[np.int64],
    alpha: float,
    dice: np.random.Generator,
) -> tuple[tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]:
    share, other = dice.beta(alpha, alpha), dice.permutation(batch)
    mixed = matrix[batch] * share + matrix[other] * (1 - share)
    rows = np.repeat(np.arange(len(batch)), np.diff(mixed.indptr)).astype(np.int64)
    labels = truth[batch] * share + truth[other] * (1 - share)
    return (mixed.indices.astype(np.int32), mixed.data.astype(np.float32), rows), labels


def _predict(predict: tf.types.experimental.GenericFunction, matrix: Matrix) -> NDArray[np.float32]:
    starts = range(0, matrix.shape[0], _PREDICTED_AT_ONCE)
    batches = [
        np.arange(start, min(start + _PREDICTED_AT_ONCE, matrix.shape[0])) for start in starts
    ]
    return np.concatenate(
        [predict(*_entries(matrix, batch), len(batch)).numpy() for batch in batches]
    )
