"""A fast exact Adam, and an optimizer for layers whose gradient has few rows."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

# The rows of one pass fit into a CPU's cache.
_CHUNK_BYTES = 2 * 1024 * 1024


class ExactAdam(keras.optimizers.Adam):
    """Keras's Adam, computed by TensorFlow's fused kernel.

    The result is the same up to rounding, in one pass over variable and moments instead of one for
    each operation. Rows that occur twice in a `tf.IndexedSlices`, as in the combined gradients of
    several replicas, are summed before they are squared; Keras, up to 3.15, doesn't do that.
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable by its gradient."""
        index = self._get_variable_index(variable)
        dtype = variable.dtype
        if isinstance(gradient, tf.IndexedSlices):
            # TensorFlow's own conversion is a segment sum, very slow under op determinism.
            gradient = tf.scatter_nd(
                gradient.indices[:, tf.newaxis],
                gradient.values,
                tf.cast(variable.shape, gradient.indices.dtype),
            )
        step = tf.cast(self.iterations.value + 1, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, dtype), step),
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),
            beta2=tf.cast(self.beta_2, dtype),
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )


class LazyRms(ExactAdam):
    """Moves each row of a kernel by its gradient, divided by the RMS of the row's gradients so far.

    This is for variables that name themselves `updated_by_rows`. Their gradient must be a
    `tf.IndexedSlices`, and all rows that are not in it stay the same to the bit. A row has two
    numbers instead of Adam's two moments of its whole width: how often it was in a gradient, and
    the sum of the mean squares of these. So a step reads each row of the gradient once, and reads
    and writes each row of the kernel once. Rows that occur twice in the gradient are summed first.
    Every other variable gets `ExactAdam`.
    """

    def add_variable_from_reference(
        self, reference_variable: Any, name: str | None = None, initializer: Any = "zeros"
    ) -> Any:
        """Adds what Adam's moments become: the counts, and the sums of squares, of the rows."""
        if not getattr(reference_variable, "updated_by_rows", False):
            return super().add_variable_from_reference(reference_variable, name, initializer)
        shape, dtype = reference_variable.shape[:1], reference_variable.dtype
        return self.add_variable(shape, initializer, dtype, name=f"rows_{name}")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable by its gradient."""
        index = self._get_variable_index(variable)
        counts, sums = self._momentums[index].value, self._velocities[index].value
        if counts.shape == variable.shape:
            super().update_step(gradient, variable, learning_rate)
            return
        dtype, width = variable.dtype, max(1, variable.shape[1:].num_elements())
        rate = tf.cast(learning_rate, dtype)
        rows, values = _distinct_rows(gradient, dtype)
        count = tf.size(rows)
        chunk = max(1, _CHUNK_BYTES // (dtype.size * width))

        def move(start: tf.Tensor) -> tuple[tf.Tensor]:
            end = tf.minimum(start + chunk, count)
            at, grad = rows[start:end], values[start:end]
            # One pass; the sum of the squares would first write them down.
            norm = tf.math.reduce_euclidean_norm(grad, axis=1)
            times, squares = tf.gather(counts, at) + 1, tf.gather(sums, at) + norm**2 / width
            counts.scatter_update(tf.IndexedSlices(times, at))
            sums.scatter_update(tf.IndexedSlices(squares, at))
            step = rate / (tf.sqrt(squares / times) + self.epsilon)
            # Gathered and replaced: TensorFlow 2.21 takes three times as long for `scatter_sub`.
            new = tf.gather(variable, at) - grad * step[:, tf.newaxis]
            variable.scatter_update(tf.IndexedSlices(new, at))
            return (end,)

        tf.while_loop(lambda start: start < count, move, (tf.constant(0),), parallel_iterations=1)


def _distinct_rows(gradient: tf.IndexedSlices, dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the gradient's distinct row numbers, and the sum of the values of each."""
    values = tf.cast(gradient.values, dtype)
    rows, position = tf.unique(gradient.indices)
    summed = tf.cond(
        tf.equal(tf.size(rows), tf.size(gradient.indices)),
        lambda: values,
        lambda: tf.scatter_nd(
            position[:, tf.newaxis],
            values,
            tf.concat([tf.shape(rows), tf.shape(values)[1:]], axis=0),
        ),
    )
    return rows, summed
