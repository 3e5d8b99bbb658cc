"""The options of every dataset that TensorFlow reads here."""

from __future__ import annotations

import tensorflow as tf


def dataset_options() -> tf.data.Options:
    """Returns options under which a dataset keeps its order and its given parallelism.

    Autotuning is off. Its thread sleeps longer and longer, up to a minute, and TensorFlow 2.16
    doesn't always wake it when an iterator is deleted: an epoch then ends only when it wakes. So
    parallel steps state their own parallelism.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    return options
