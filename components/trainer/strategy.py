"""Which devices train, and how several machines stay together."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
from absl import logging


def pick_strategy(several_machines: bool = False) -> tf.distribute.Strategy:
    """Returns the strategy for the devices that TensorFlow sees.

    There is one replica per GPU: of all machines, or of this one if it trains alone. A machine
    without a GPU is one replica. Call this before TensorFlow computes anything: it connects to
    other machines only when it starts.

    Args:
        several_machines: Whether TF_CONFIG names other machines that train too.

    Raises:
        RuntimeError: There are several machines, and TensorFlow has already computed something.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        try:
            # As this process needs it, instead of all at once.
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            # In a local run Transform has used the GPU before.
            logging.warning("The memory settings of %s stay as they are: %s", gpu, error)
    if several_machines:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(gpus) > 1:
        return tf.distribute.MirroredStrategy()
    if gpus:
        return tf.distribute.OneDeviceStrategy("/gpu:0")
    return tf.distribute.get_strategy()


def broadcast_metrics(
    strategy: tf.distribute.Strategy, figures: Mapping[str, float]
) -> dict[str, float]:
    """Returns the first machine's figures on every machine, so that all decide alike.

    Machines that compute the same may differ by rounding, and if one stopped training alone, the
    others would wait for it forever.

    Args:
        strategy: The strategy that trains.
        figures: Under the same names on every machine.
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return dict(figures)
    names = sorted(figures)
    own = tf.constant([figures[name] for name in names], tf.float64)

    def of_first_replica() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        is_first = tf.equal(context.replica_id_in_sync_group, 0)
        # Not a product: zero times NaN is NaN.
        given = tf.where(is_first, own, tf.zeros_like(own))
        return context.all_reduce(tf.distribute.ReduceOp.SUM, given)

    @tf.function(autograph=False)
    def exchange() -> tf.Tensor:
        return strategy.experimental_local_results(strategy.run(of_first_replica))[0]

    return dict(zip(names, exchange().numpy().tolist(), strict=True))


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when every machine has called this."""
    broadcast_metrics(strategy, {"arrived": 1.0})
