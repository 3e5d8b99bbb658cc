"""The first layer with a kernel of 8 bits, for serving: a quarter of the size."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainer.sparse_dense import SparseDense

_LARGEST = 127
# Rows that are rounded at once.
_ROWS_AT_ONCE = 1024


@keras.saving.register_keras_serializable(package="arxiv_tagger")
class Int8SparseDense(SparseDense):
    """A `SparseDense` that can't be trained, and holds its kernel as int8.

    Each row has a scale of its own: kernel[i] = scale[i] * int8 row i, where the row's largest
    weight is 127 (symmetric per-row quantization, as in TensorFlow Lite's specification of 8-bit
    weights). A weight is off by scale[i] / 2 at the most: 0.4 % of the largest one in its row.
    The scales go into the n-grams' weights, so serving multiplies nothing more.
    """

    def build(self, *_: Any) -> None:
        """Creates the int8 kernel [input_dim, units], scale [input_dim] and bias [units]."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.input_dim, self.units),
            dtype="int8",
            initializer="zeros",
            trainable=False,
            autocast=False,
        )
        self.scale = self.add_weight(
            name="scale",
            shape=(self.input_dim,),
            initializer="zeros",
            trainable=False,
            autocast=False,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer="zeros", trainable=False, autocast=False
        )
        self.built = True

    def take(self, trained: SparseDense) -> None:
        """Takes over the weights of a trained layer of the same shape, rounded to 8 bits."""
        scale = np.empty(self.input_dim, np.float32)
        for start in range(0, self.input_dim, _ROWS_AT_ONCE):
            # In parts: to read, or write, a whole variable is to copy it.
            part = np.arange(start, min(start + _ROWS_AT_ONCE, self.input_dim))
            rows = tf.gather(trained.kernel.value, part).numpy()
            scale[part] = np.abs(rows).max(axis=1) / np.float32(_LARGEST)
            # A row of nothing but zeros stays one.
            divisor = np.where(scale[part] > 0, scale[part], np.float32(1.0))
            steps = np.rint(rows / divisor[:, np.newaxis]).astype(np.int8)
            self.kernel.value.scatter_update(tf.IndexedSlices(steps, part))
        self.scale.assign(scale)
        self.bias.assign(trained.bias)

    def _look_up(self, used: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        rows = tf.gather(self.kernel.value, used)
        return tf.cast(rows, self.variable_dtype), tf.gather(self.scale.value, used)
