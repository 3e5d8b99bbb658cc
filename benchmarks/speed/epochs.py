"""The epochs of a training of ours, by the lines that Trainer wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Epochs:
    """The epochs of a training.

    Attributes:
        lines: The line of each epoch's end: its `seconds`, validation included, and its figures.
        first_began: Seconds between Trainer's start and that of its first epoch.
    """

    lines: list[dict[str, float]]
    first_began: float


def read_epochs(file: Path, trainer_started: float) -> Epochs:
    """Reads `epochs.jsonl`.

    Args:
        file: The file; its last line was written when the last epoch ended.
        trainer_started: Unix time at which Trainer started.
    """
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    # A line with a step was written inside an epoch.
    ends = [line for line in lines if "step" not in line]
    ended = file.stat().st_mtime
    return Epochs(ends, ended - trainer_started - sum(line["seconds"] for line in ends))
