"""Adam for layers whose gradient has few rows: a lazy variant, and a fast exact one."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

# The rows of one pass, with their moments, fit into a CPU's cache.
_CHUNK_BYTES = 2 * 1024 * 1024


class LazyAdam(keras.optimizers.Adam):
    """Adam that updates only the rows in the gradient.

    If a gradient is `tf.IndexedSlices`, all other rows of the variable and of both moments stay
    the same to the bit: a row's moments decay only in the steps that use it. Rows that occur twice
    in the gradient are summed first. A gradient with every row, and any other type of gradient,
    has the effect of Keras's Adam. Learning rate schedules and `tf.distribute` work as in
    `keras.optimizers.Adam`; `amsgrad` does not.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise ValueError("LazyAdam has no amsgrad variant; set amsgrad=False")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable by its gradient."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index].value, self._velocities[index].value
        dtype = variable.dtype
        alpha = _step_size(self, learning_rate, dtype)
        rows, values = _distinct_rows(gradient, dtype)
        count = tf.size(rows)
        chunk = max(1, _CHUNK_BYTES // (dtype.size * max(1, variable.shape[1:].num_elements())))

        def move(start: tf.Tensor) -> tuple[tf.Tensor]:
            end = tf.minimum(start + chunk, count)
            at, grad = rows[start:end], values[start:end]
            m, v, old = (tf.gather(of, at) for of in (momentum, velocity, variable))
            m += (grad - m) * (1 - self.beta_1)
            v += (tf.square(grad) - v) * (1 - self.beta_2)
            momentum.scatter_update(tf.IndexedSlices(m, at))
            velocity.scatter_update(tf.IndexedSlices(v, at))
            # Gathered and replaced: TensorFlow 2.21 takes three times as long for `scatter_sub`.
            new = old - m * alpha / (tf.sqrt(v) + self.epsilon)
            variable.scatter_update(tf.IndexedSlices(new, at))
            return (end,)

        tf.while_loop(lambda start: start < count, move, (tf.constant(0),), parallel_iterations=1)


class ExactAdam(keras.optimizers.Adam):
    """Keras's Adam, computed by TensorFlow's fused kernel.

    The result is the same up to rounding, in one pass over variable and moments instead of one for
    each operation. Rows that occur twice in a `tf.IndexedSlices`, as in the combined gradients of
    several replicas, are summed before they are squared; Keras, up to 3.15, doesn't do that.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise ValueError("ExactAdam has no amsgrad variant; set amsgrad=False")

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


def _step_size(optimizer: keras.optimizers.Adam, learning_rate: Any, dtype: tf.DType) -> tf.Tensor:
    """Returns the learning rate with Adam's correction for moments that start at zero."""
    step = tf.cast(optimizer.iterations.value + 1, dtype)
    beta_1_power = tf.pow(tf.cast(optimizer.beta_1, dtype), step)
    beta_2_power = tf.pow(tf.cast(optimizer.beta_2, dtype), step)
    return tf.cast(learning_rate, dtype) * tf.sqrt(1 - beta_2_power) / (1 - beta_1_power)


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
