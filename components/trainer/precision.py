"""The precision in which the network computes, and the loss scaling that float16 needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import tensorflow as tf
from absl import logging

Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]

# NVIDIA's GPUs compute in bfloat16 from Ampere on.
_BFLOAT16_SINCE = (8, 0)


def pick_precision(mixed: bool) -> Precision:
    """Returns Keras's dtype policy for the GPUs that TensorFlow sees.

    Mixed precision keeps weights in float32 and computes in 16 bits: in bfloat16, which has
    float32's range, if every GPU supports it, else in float16. Without a GPU the policy is float32,
    as a CPU is slower in 16 bits.

    Args:
        mixed: Whether mixed precision is wanted.
    """
    if not mixed:
        return "float32"
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        logging.info("trainer.mixed_precision does nothing: there is no GPU")
        return "float32"
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    modern = all(each.get("compute_capability", (0, 0)) >= _BFLOAT16_SINCE for each in details)
    return "mixed_bfloat16" if modern else "mixed_float16"


class SparseLossScale(keras.optimizers.LossScaleOptimizer):
    """Keras's dynamic loss scaling, for sparse gradients and for several replicas.

    A step whose gradient overflows float16 is skipped, and the scale halved. To look for such
    values, Keras (up to 3.15) makes a sparse gradient dense, and it looks at only one replica's:
    another replica's overflow would reach the weights.
    """

    def check_finite(self, grads: Sequence[Any]) -> tf.Tensor:
        """Returns whether the gradients of all replicas are finite, bool []."""
        values = [
            grad.values if isinstance(grad, tf.IndexedSlices) else grad
            for grad in grads
            if grad is not None
        ]
        wrong = tf.add_n(
            [tf.math.count_nonzero(~tf.math.is_finite(each), dtype=tf.float32) for each in values]
        )
        context = tf.distribute.get_replica_context()
        return tf.equal(context.all_reduce(tf.distribute.ReduceOp.SUM, wrong), 0)
