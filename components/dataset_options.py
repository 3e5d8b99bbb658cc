"""The options of every dataset that TensorFlow reads here."""

from __future__ import annotations

import tensorflow as tf


def dataset_options() -> tf.data.Options:
    """Returns options under which a dataset keeps its order and its given parallelism.

    Autotuning is off. Its thread sleeps for ever longer spells, up to a minute, and TensorFlow
    2.16 does not always wake it when an iterator is deleted: an epoch's end then takes as long as
    the spell. So parallel steps say themselves how many of them run.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    return options
