"""Which devices train."""

from __future__ import annotations

import tensorflow as tf


def pick_strategy() -> tf.distribute.Strategy:
    """Returns the strategy for the devices that TensorFlow sees.

    One replica per GPU where there are several, the one GPU where there is one, else the default
    strategy (the processor). GPU memory is taken as it is needed; call this before anything else
    uses a GPU.

    Raises:
        RuntimeError: A GPU was already in use with other memory settings.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if len(gpus) > 1:
        return tf.distribute.MirroredStrategy()
    if gpus:
        return tf.distribute.OneDeviceStrategy("/gpu:0")
    return tf.distribute.get_strategy()
