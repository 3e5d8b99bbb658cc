"""The first layer with an 8-bit kernel, for serving: a quarter of the size."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainer.sparse_dense import SparseDense

_LARGEST = 127
# Rows that are quantized at once.
_ROWS_AT_ONCE = 1024


class Int8SparseDense(SparseDense):
    """A `SparseDense` that holds its kernel as int8 and can't be trained.

    Quantization is symmetric, with a scale for each row: kernel[i] = scale[i] * int8 row i, where
    the row's largest weight becomes 127, as in TensorFlow Lite's specification of 8-bit weights.
    A weight is off by at most scale[i] / 2, 0.4 % of the largest one in its row. The scales are
    multiplied into the n-grams' weights, so serving does no extra work.
    """

    def build(self, *_: Any) -> None:
        """Creates the int8 kernel [input_dim, units], scale [input_dim] and bias [units]."""
        add = partial(self.add_weight, initializer="zeros", trainable=False, autocast=False)
        self.kernel = add(name="kernel", shape=(self.input_dim, self.units), dtype="int8")
        self.scale = add(name="scale", shape=(self.input_dim,))
        self.bias = add(name="bias", shape=(self.units,))
        self.built = True

    def copy_quantized(self, trained: SparseDense) -> None:
        """Copies the weights of a trained layer of the same shape, quantized to 8 bits."""
        scale = np.empty(self.input_dim, np.float32)
        for start in range(0, self.input_dim, _ROWS_AT_ONCE):
            # In parts: reading or writing a whole variable copies it.
            part = np.arange(start, min(start + _ROWS_AT_ONCE, self.input_dim))
            rows = tf.gather(trained.kernel.value, part).numpy()
            scale[part] = np.abs(rows).max(axis=1) / np.float32(_LARGEST)
            # A row of zeros stays zero.
            divisor = np.where(scale[part] > 0, scale[part], np.float32(1.0))
            steps = np.rint(rows / divisor[:, np.newaxis]).astype(np.int8)
            self.kernel.value.scatter_update(tf.IndexedSlices(steps, part))
        self.scale.assign(scale)
        self.bias.assign(trained.bias)

    def _look_up(self, used: tf.Tensor) -> tf.Tensor:
        return tf.cast(super()._look_up(used), self.variable_dtype)

    def _scale(self, ids: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        return weights * tf.gather(self.scale.value, ids)
