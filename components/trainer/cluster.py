"""The machines that train together, as TF_CONFIG describes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf

from schema.errors import UsageError

# Of these kinds the first that a cluster has leads it.
_WORKERS: Final = ("chief", "worker")


@dataclass(frozen=True)
class Cluster:
    """Several machines, and which of them this one is.

    Attributes:
        addresses: Host and port of each machine, by its kind: `chief` or `worker`.
        kind: The kind of this machine.
        index: Its position among those of its kind.
    """

    addresses: dict[str, list[str]]
    kind: str
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this is the one machine that writes the results.

        The machine of the kind `chief`; where there is none, the first worker.
        """
        leading = next(kind for kind in _WORKERS if kind in self.addresses)
        return (self.kind, self.index) == (leading, 0)

    def resolver(self, gpus: int) -> tf.distribute.cluster_resolver.ClusterResolver:
        """Returns what TensorFlow reads the cluster from.

        Args:
            gpus: How many this machine has.
        """
        return tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec(self.addresses),
            task_type=self.kind,
            task_id=self.index,
            num_accelerators={"GPU": gpus},
            rpc_layer="grpc",
        )


def read_cluster(tf_config: str | None) -> Cluster | None:
    """Reads the cluster from the value of the environment's TF_CONFIG.

    See "TF_CONFIG" in TensorFlow's guide to distributed training; Vertex AI and Kubeflow's
    training operator set it.

    Args:
        tf_config: JSON; None where the variable is not set.

    Returns:
        None where this machine trains alone.

    Raises:
        UsageError: It can't be read, this machine is not in it, or it has machines that don't
            train, as are parameter servers.
    """
    if not tf_config:
        return None
    try:
        content = json.loads(tf_config)
        addresses = {
            str(kind): [str(address) for address in of_kind]
            for kind, of_kind in content.get("cluster", {}).items()
            if of_kind
        }
        if sum(map(len, addresses.values())) < 2:
            return None
        cluster = Cluster(addresses, str(content["task"]["type"]), int(content["task"]["index"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"TF_CONFIG can't be read ({error!r}): it must be JSON with `cluster`, the addresses "
            "of the machines by their kind, and `task`, the `type` and `index` of this one"
        ) from error
    _check(cluster)
    return cluster


def _check(cluster: Cluster) -> None:
    def refuse(what: str, advice: Any) -> UsageError:
        return UsageError(f"TF_CONFIG {what}: {advice}")

    others = sorted(set(cluster.addresses) - set(_WORKERS))
    if others:
        raise refuse(
            f"has machines of the kind {', '.join(others)}",
            f"every machine trains here; give it only {' and '.join(_WORKERS)}",
        )
    count = len(cluster.addresses.get(cluster.kind, []))
    if not 0 <= cluster.index < count:
        raise refuse(
            f"says that this machine is {cluster.kind} {cluster.index}",
            f"its cluster has {count} of that kind, counted from 0",
        )
