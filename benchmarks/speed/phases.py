"""Named stretches of a program's time, printed by it and joined with its memory by its parent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from benchmarks.speed.observe import Interval, observe


@dataclass(frozen=True)
class Phase:
    """A stretch of a program's time.

    Attributes:
        seconds: How long it was.
        peak_bytes: The most memory that all processes held then.
    """

    seconds: float
    peak_bytes: int


def print_phases(phases: Mapping[str, Sequence[Interval]]) -> None:
    """Prints phases as the last line of standard output, as `observe_phases` reads them.

    Args:
        phases: For each its intervals in Unix time.
    """
    click.echo("\n" + json.dumps(phases))


def observe_phases(command: Sequence[str]) -> dict[str, Phase]:
    """Runs a program that ends with `print_phases`.

    Raises:
        CommandError: It failed.
    """
    seen = observe(command)
    phases: dict[str, Any] = json.loads(seen.printed.splitlines()[-1])
    return {
        name: Phase(sum(end - begin for begin, end in intervals), seen.peak_within(intervals))
        for name, intervals in phases.items()
    }
