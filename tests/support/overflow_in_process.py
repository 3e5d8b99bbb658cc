"""A float16 step on two logical processors, of which one overflows; tells what came of it.

Usage: python -m tests.support.overflow_in_process
"""

import itertools
import json
import sys

import numpy as np
import tensorflow as tf

from schema import names
from tests.support.train_in_process import network
from tests.support.trainer_papers import LABELS


def batch(truth: float) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """One replica's part of a batch."""
    inputs = {
        names.MODEL_IDS: tf.constant([[1, 2, 5]]),
        names.MODEL_WEIGHTS: tf.constant([[0.5, 1.0, 0.3]]),
    }
    return inputs, tf.fill([1, LABELS], truth)


def main() -> None:
    """Makes a step that is right, one that overflows on the second replica, and a right one."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
    tf.config.set_logical_device_configuration(cpu, logical)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        model = network("lazy_rms", "mixed_float16", seed=0, dropout=0.0)

    @tf.function(autograph=False)
    def step(data: tuple[dict[str, tf.Tensor], tf.Tensor]) -> None:
        strategy.run(model.train_step, args=(data,))

    weights, scales = [model.get_weights()], []
    for truths in ((0.0, 1.0), (0.0, 1e7), (0.0, 1.0)):
        parts = [batch(truth) for truth in truths]
        together = [
            strategy.experimental_distribute_values_from_function(
                lambda context, each=each: each[context.replica_id_in_sync_group]
            )
            for each in zip(*[tf.nest.flatten(part) for part in parts], strict=True)
        ]
        step(tf.nest.pack_sequence_as(parts[0], together))
        weights.append(model.get_weights())
        scales.append(float(model.optimizer.dynamic_scale.numpy()))
    changed = [
        any((a != b).any() for a, b in zip(before, after, strict=True))
        for before, after in itertools.pairwise(weights)
    ]
    finite = all(np.isfinite(each).all() for each in weights[-1])
    json.dump({"changed": changed, "finite": finite, "scales": scales}, sys.stdout)


if __name__ == "__main__":
    main()
