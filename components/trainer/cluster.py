"""The machines that train together, as TF_CONFIG describes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from schema.errors import UsageError

# If a cluster has a machine of the first kind, that one is the chief.
_WORKERS: Final = ("chief", "worker")


@dataclass(frozen=True)
class Cluster:
    """Several machines, and which of them this one is.

    Attributes:
        addresses: Host and port of each machine, by its type: `chief` or `worker`.
        task_type: The type of this machine.
        index: Its position among those of its type, from 0.
    """

    addresses: dict[str, list[str]]
    task_type: str
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this is the one machine that writes the results.

        That is the machine of type `chief`, or the first worker if there is none.
        """
        leading = next(kind for kind in _WORKERS if kind in self.addresses)
        return (self.task_type, self.index) == (leading, 0)


def read_cluster(tf_config: str | None) -> Cluster | None:
    """Parses and checks the environment variable TF_CONFIG.

    See "TF_CONFIG" in TensorFlow's guide to distributed training; Vertex AI and Kubeflow's
    training operator set it.

    Args:
        tf_config: The variable's value, JSON; None if it isn't set.

    Returns:
        None if this machine trains alone.

    Raises:
        UsageError: It can't be read, this machine isn't in it, or it lists machines that don't
            train, such as parameter servers.
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
            "of the machines by type, and `task`, the `type` and `index` of this one"
        ) from error
    others = sorted(set(addresses) - set(_WORKERS))
    if others:
        raise UsageError(
            f"TF_CONFIG lists machines of type {', '.join(others)}: every machine trains here; "
            f"list only {' and '.join(_WORKERS)}"
        )
    count = len(addresses.get(cluster.task_type, []))
    if not 0 <= cluster.index < count:
        raise UsageError(
            f"TF_CONFIG says that this machine is {cluster.task_type} {cluster.index}: its cluster "
            f"has {count} of that type, counted from 0"
        )
    return cluster
