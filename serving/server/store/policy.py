"""Which versions of a model are served, and the steps from those that are to those that should."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeAlias

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

VersionPolicy: TypeAlias = FileSystemStoragePathSourceConfig.ServableVersionPolicy


def choose_versions(policy: VersionPolicy, versions: Collection[int]) -> frozenset[int]:
    """Returns which of the existing versions to serve: the highest, if the policy is empty."""
    match policy.WhichOneof("policy_choice"):
        case "all":
            return frozenset(versions)
        case "specific":
            return frozenset(policy.specific.versions).intersection(versions)
    # As in TF Serving, 0 means 1.
    return frozenset(sorted(versions)[-max(policy.latest.num_versions, 1) :])


def next_action(
    wanted: Collection[int], loadable: Collection[int], serving: Collection[int]
) -> tuple[Literal["load", "unload"], int] | None:
    """Returns the next step from the versions that serve to those that are wanted.

    The rules are those of TF Serving's core/availability_preserving_policy.cc: as long as
    versions are wanted and none of them serves, one that is no longer wanted goes on serving;
    apart from that unloading comes before loading, the lowest first; the highest is loaded first.

    Args:
        wanted: Versions that should serve.
        loadable: Those of them that are not loaded yet and were not refused.
        serving: Versions that serve.

    Returns:
        The step and the version, or None when nothing is left to do.
    """
    unwanted = set(serving).difference(wanted)
    wanted_serves = len(unwanted) < len(serving)
    if unwanted and (not wanted or wanted_serves or len(unwanted) > 1):
        return "unload", min(unwanted)
    if loadable:
        return "load", max(loadable)
    return None
