"""Which versions of a model are served: names of folders and a policy in, versions out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple


@dataclass(frozen=True)
class Latest:
    """The policy that serves the highest versions.

    Attributes:
        num_versions: How many; 0 means 1, as in TF Serving.
    """

    num_versions: int = 1


@dataclass(frozen=True)
class All:
    """The policy that serves every version."""


@dataclass(frozen=True)
class Specific:
    """The policy that serves the given versions, where they exist."""

    versions: frozenset[int]


VersionPolicy = Latest | All | Specific


class Action(NamedTuple):
    """The next step towards the versions that are wanted."""

    kind: Literal["load", "unload"]
    version: int


def choose_versions(policy: VersionPolicy, versions: Collection[int]) -> frozenset[int]:
    """Returns which of the existing versions to serve."""
    match policy:
        case Latest():
            return frozenset(sorted(versions)[-max(policy.num_versions, 1) :])
        case All():
            return frozenset(versions)
        case Specific():
            return policy.versions & frozenset(versions)


def next_action(
    wanted: Collection[int], loadable: Collection[int], serving: Collection[int]
) -> Action | None:
    """Returns the next step from the versions that serve to those that are wanted.

    The rules are those of TF Serving's core/availability_preserving_policy.cc: as long as
    versions are wanted and none of them serves, one that is no longer wanted goes on serving;
    apart from that unloading comes before loading, the lowest first; the highest is loaded first.

    Args:
        wanted: Versions that should serve.
        loadable: Those of them that are not loaded yet and were not refused.
        serving: Versions that serve.

    Returns:
        The step, or None when nothing is left to do.
    """
    unwanted = set(serving).difference(wanted)
    wanted_serves = len(unwanted) < len(serving)
    if unwanted and (not wanted or wanted_serves or len(unwanted) > 1):
        return Action("unload", min(unwanted))
    if loadable:
        return Action("load", max(loadable))
    return None
