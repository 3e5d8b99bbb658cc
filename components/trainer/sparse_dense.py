"""A dense layer for sparse input that touches only the kernel rows that the batch uses."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class SparseDense(keras.layers.Layer):
    """`keras.layers.Dense` on rows given as (ids, weights) instead of as dense vectors.

    Computes activation(sum_j weights[i, j] * kernel[ids[i, j]] + bias), as `Dense` does on the
    [n, input_dim] matrix of these weights; the weights of an id that occurs twice in a row add up.
    An entry of weight 0 is padding, and its id is never read. Every kernel row that the batch uses
    is gathered once, so the kernel's gradient is a `tf.IndexedSlices` with distinct indices, and
    neither pass allocates anything of the kernel's size.

    Args:
        input_dim: Rows of the kernel; ids lie in [0, input_dim).
        units: Width of the output.
        activation: As in `keras.layers.Dense`.
        kernel_initializer: As in `keras.layers.Dense`.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        ids: int32 or int64 [n, m].
        weights: float [n, m]; 0 is padding.

    Returns:
        [n, units] in the layer's compute dtype; the sum itself is float32.
    """

    def __init__(
        self,
        input_dim: int,
        units: int,
        activation: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, *_: Any) -> None:
        """Creates kernel [input_dim, units] and bias [units]."""
        # Without autocast the kernel stays a variable, which can be gathered row by row.
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.input_dim, self.units),
            initializer=self.kernel_initializer,
            autocast=False,
        )
        # For optimizers, which make their variables before they see a gradient.
        self.kernel.updated_by_rows = True
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer="zeros", autocast=False
        )
        self.built = True

    def call(self, ids: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Returns [n, units]; see the class."""
        positions = tf.where(tf.not_equal(weights, 0))
        return self.multiply(
            positions[:, 0],
            tf.gather_nd(ids, positions),
            tf.gather_nd(weights, positions),
            tf.shape(ids, out_type=tf.int64)[0],
        )

    def multiply(
        self, of_row: tf.Tensor, ids: tf.Tensor, weights: tf.Tensor, count: tf.Tensor
    ) -> tf.Tensor:
        """Does what a call does, for rows without padding.

        Args:
            of_row: The row of each entry, int64 [e], ascending.
            ids: int32 or int64 [e].
            weights: float [e].
            count: n, int64.
        """
        used, columns = tf.unique(ids, out_idx=tf.int64)
        matrix = tf.SparseTensor(
            indices=tf.stack([of_row, columns], axis=1),
            values=self._scale(ids, tf.cast(weights, self.variable_dtype)),
            dense_shape=tf.stack([count, tf.size(used, out_type=tf.int64)]),
        )
        # Faster by far on processors; see docs/decisions/two-stacks.md. Neither was tried on a GPU.
        has_gpu = tf.config.list_logical_devices("GPU")
        product = tf.sparse.sparse_dense_matmul if has_gpu else multiply_compressed
        total = product(matrix, self._look_up(used)) + self.bias.value
        return self.activation(tf.cast(total, self.compute_dtype))

    def contributions(
        self, of_row: tf.Tensor, ids: tf.Tensor, weights: tf.Tensor, slopes: tf.Tensor
    ) -> tf.Tensor:
        """Returns what entries, as of `multiply`, add to k linear functions of their sums, [e, k].

        Each kernel row is multiplied with the slopes of all n rows, float32 [n, k, units]: without
        a loop, and fast for few of them.
        """
        used, places = tf.unique(ids, out_idx=tf.int64)
        shape = tf.shape(slopes)
        flat = tf.reshape(slopes, [-1, self.units])
        products = tf.matmul(self._look_up(used), flat, transpose_b=True)
        of_all = tf.reshape(products, [-1, shape[0], shape[1]])
        added = tf.gather_nd(of_all, tf.stack([places, of_row], axis=1))
        return self._scale(ids, weights)[:, tf.newaxis] * added

    def _look_up(self, used: tf.Tensor) -> tf.Tensor:
        """Returns the kernel rows of distinct ids, [u] to [u, units]."""
        return tf.gather(self.kernel.value, used)

    def _scale(self, ids: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Returns the weights of the looked up rows, [e]."""
        del ids
        return weights

    def compute_output_shape(self, ids_shape: Any, weights_shape: Any) -> tuple[int | None, int]:
        """Returns (n, units)."""
        del weights_shape
        return (ids_shape[0], self.units)


def multiply_compressed(matrix: tf.SparseTensor, rows: tf.Tensor) -> tf.Tensor:
    """Computes `tf.sparse.sparse_dense_matmul` with TensorFlow's kernel for compressed sparse rows.

    On a processor it takes half the time in TensorFlow 2.16, and an eighth in 2.21, whose kernel
    for sparse tensors is slower.

    Args:
        matrix: float [n, u], ordered by row. It gets no gradient.
        rows: float [u, units].

    Returns:
        float [n, units].
    """
    product = _multiply(matrix.indices, matrix.values, matrix.dense_shape, rows)
    return product[: matrix.dense_shape[0]]


# A function of its own: TensorFlow keeps the graph around a custom gradient until the process ends,
# and the graph of a training step holds the kernel and its moments.
@tf.function
@tf.custom_gradient
def _multiply(
    indices: tf.Tensor, values: tf.Tensor, shape: tf.Tensor, rows: tf.Tensor
) -> tuple[tf.Tensor, Any]:
    """Returns the product, with a row too many, and its gradient for the rows.

    TensorFlow's own gradient takes 8 times as long.
    """
    ops = tf.raw_ops

    def compress() -> tf.Tensor:
        # One more row, an empty one: TensorFlow 2.16 divides by the number of rows, so that
        # a batch without texts would crash the process.
        more = shape + tf.constant([1, 0], tf.int64)
        return ops.SparseTensorToCSRSparseMatrix(indices=indices, values=values, dense_shape=more)

    def multiply_transposed(upstream: tf.Tensor) -> tuple[None, None, None, tf.Tensor]:
        # Compressed once more, since no function can return a compressed matrix to its gradient.
        transposed = ops.SparseMatrixTranspose(input=compress(), type=rows.dtype)
        gradient = tf.cond(
            tf.size(rows) > 0,
            lambda: ops.SparseMatrixMatMul(a=transposed, b=upstream),
            lambda: tf.zeros_like(rows),
        )
        return None, None, None, gradient

    return ops.SparseMatrixMatMul(a=compress(), b=rows), multiply_transposed
