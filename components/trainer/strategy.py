"""Which devices train, and how several machines stay together."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
from absl import logging

from components.trainer.cluster import Cluster


def pick_strategy(cluster: Cluster | None = None) -> tf.distribute.Strategy:
    """Returns the strategy for the devices that TensorFlow sees.

    One replica per GPU: of all machines of the cluster, else of this machine where it has
    several, else the one GPU. Without a GPU one replica per machine of the cluster, else the
    default strategy (the processor). Call this before TensorFlow computes anything: it makes its
    connections to other machines at its start only.

    Args:
        cluster: The machines that train together; None where this one trains alone.

    Raises:
        RuntimeError: There is a cluster, and TensorFlow has already computed something.
    """
    let_gpu_memory_grow()
    gpus = tf.config.list_physical_devices("GPU")
    if cluster is not None:
        return tf.distribute.MultiWorkerMirroredStrategy(cluster.resolver(len(gpus)))
    if len(gpus) > 1:
        return tf.distribute.MirroredStrategy()
    if gpus:
        return tf.distribute.OneDeviceStrategy("/gpu:0")
    return tf.distribute.get_strategy()


def let_gpu_memory_grow() -> None:
    """Has this process take GPU memory as it needs it, not all at once.

    Only before TensorFlow has used a GPU; where it has, as in a local run whose Transform came
    first, its settings stay as they are, and a warning says so.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            logging.warning("The memory settings of %s stay as they are: %s", gpu, error)


def agree(strategy: tf.distribute.Strategy, figures: Mapping[str, float]) -> dict[str, float]:
    """Takes the first machine's figures on every machine, so that all decide alike.

    Machines that compute the same may differ by rounding, and one that stops training alone
    would leave the others waiting for it.

    Args:
        strategy: The one that trains.
        figures: Under the same names on every machine.
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return dict(figures)
    names = sorted(figures)
    mine = tf.constant([figures[name] for name in names], tf.float64)

    def of_first_replica() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        first = tf.equal(context.replica_id_in_sync_group, 0)
        # Not a product: zero times NaN is NaN.
        given = tf.where(first, mine, tf.zeros_like(mine))
        return context.all_reduce(tf.distribute.ReduceOp.SUM, given)

    @tf.function(autograph=False)
    def exchange() -> tf.Tensor:
        return strategy.experimental_local_results(strategy.run(of_first_replica))[0]

    return dict(zip(names, exchange().numpy().tolist(), strict=True))


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when every machine has come here."""
    agree(strategy, {"here": 1.0})
