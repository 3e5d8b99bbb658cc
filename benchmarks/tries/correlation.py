"""A layer after the logits: what the probabilities of all labels add to each label's logit."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from benchmarks.tries.features import Floats

_EPOCHS = 10
_BATCH = 512
_PENALTY = 1e-5


def learn_correlation(logits: Floats, labels: Floats, linear: bool) -> Callable[[Floats], Floats]:
    """Learns it from out-of-fold logits, by the cross-entropy without weights.

    Args:
        logits: Out of fold, [n, L].
        labels: Multi-hot, [n, L].
        linear: Whether the layer reads logits, not probabilities; it could then become a part of
            the output layer.
    """
    keras.utils.set_random_seed(0)
    columns = logits.shape[1]
    weights = [tf.Variable(tf.zeros([columns, columns])), tf.Variable(tf.zeros([columns]))]
    center = logits.mean(axis=0)

    def forward(x: tf.Tensor) -> tf.Tensor:
        read = 0.1 * (x - center) if linear else tf.sigmoid(x)
        return x + read @ weights[0] + weights[1]

    steps = _EPOCHS * (len(logits) // _BATCH)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, steps))
    optimizer.build(weights)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            cells = tf.nn.sigmoid_cross_entropy_with_logits(y, forward(x))
            loss = tf.reduce_mean(tf.reduce_sum(cells, axis=1))
            loss += _PENALTY * tf.reduce_sum(weights[0] ** 2)
        optimizer.apply(tape.gradient(loss, weights), weights)

    batches = tf.data.Dataset.from_tensor_slices((logits, labels))
    batches = batches.shuffle(len(logits), seed=0).batch(_BATCH, drop_remainder=True)
    for _ in range(_EPOCHS):
        for x, y in batches:
            step(x, y)
    return lambda x: forward(tf.constant(x)).numpy()
