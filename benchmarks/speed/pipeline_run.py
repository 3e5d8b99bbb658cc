"""Runs the pipeline under observation: time and memory of each component and of the whole."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.epochs import Epochs, read_epochs
from benchmarks.speed.executions import Execution, read_executions
from benchmarks.speed.observe import Observation, observe
from pipeline.local.run import Layout
from schema import names
from serving.predict import find_model

# Trainer runs again, on what it had.
OTHER_SEED: Final = "trainer.seed=1"

# A model that falls short is measured all the same.
_OPEN_GATE: Final = ("gate.floors={}", "gate.max_drop={}")
_TRAINER: Final = "Trainer"
# Named here: what writes it imports TensorFlow, which has no place in the process that watches.
_METRICS_FILE: Final = "metrics.json"


class NotCachedError(Exception):
    """What should have come from the cache ran again: code, data or settings changed meanwhile."""


@dataclass(frozen=True)
class Component:
    """What a component took.

    Attributes:
        name: Its id.
        started: Seconds between the command's start and its own.
        seconds: How long it ran.
        cached: Whether an earlier run's outputs were taken.
        peak_bytes: The most memory that all processes held while it ran; 0 where it took less
            than a tenth of a second.
    """

    name: str
    started: float
    seconds: float
    cached: bool
    peak_bytes: int


@dataclass(frozen=True)
class PipelineRun:
    """What a run of the pipeline took and came to.

    Attributes:
        profile: The profile.
        settings: Changed settings.
        papers: Papers that were kept.
        seconds: Wall-clock time of the command.
        peak_bytes: The most memory that all its processes held.
        components: In the order in which they ran.
        epochs: Of Trainer; None where it was cached.
        metrics: Of the test split.
        exported_bytes: Of the pushed model's files.
    """

    profile: str
    settings: tuple[str, ...]
    papers: int
    seconds: float
    peak_bytes: int
    components: tuple[Component, ...]
    epochs: Epochs | None
    metrics: dict[str, float]
    exported_bytes: int


def run_pipeline(
    data: Path, output: Path, profile: str, settings: Sequence[str] = ()
) -> PipelineRun:
    """Runs `arxiv-tagger run`, with a gate that refuses no figure.

    Args:
        data: The CSV file.
        output: The output folder; what it holds is the cache.
        profile: The profile.
        settings: Changed settings, `section.key=value` each.

    Raises:
        CommandError: The run failed, or the model can't be served.
    """
    command = [
        *(str(Path(sys.executable).with_name("arxiv-tagger")), "run"),
        *("--data", str(data), "--output", str(output), "--profile", profile),
        *(part for setting in (*_OPEN_GATE, *settings) for part in ("--set", setting)),
    ]
    seen = observe(command)
    layout = Layout(output)
    executions = read_executions(layout.metadata)
    return PipelineRun(
        profile=profile,
        settings=tuple(settings),
        papers=_read_json(output / names.CURATION_FILE)["kept"],
        seconds=seen.seconds,
        peak_bytes=seen.peak_bytes,
        components=tuple(_component(each, seen) for each in executions),
        epochs=_epochs(executions, layout),
        metrics=_read_json(output / _METRICS_FILE),
        exported_bytes=folder_bytes(find_model(str(output))),
    )


def run_trainer_alone(
    data: Path, output: Path, profile: str, settings: Sequence[str]
) -> PipelineRun:
    """Runs the pipeline where it has run before, with other settings for Trainer.

    So Trainer is the first that works, and what is before it adds nothing to its memory.

    Args:
        data: As for the run before, and so are all others.
        output: See there.
        profile: See there.
        settings: See there; of Trainer's one must differ, and none of the others.

    Raises:
        CommandError: The run failed, or the model can't be served.
        NotCachedError: Something before Trainer ran again.
    """
    run = run_pipeline(data, output, profile, settings)
    before = itertools.takewhile(lambda each: each.name != _TRAINER, run.components)
    if again := [each.name for each in before if not each.cached]:
        raise NotCachedError(
            f"{', '.join(again)} ran again, so Trainer's memory is not its own. Did the code "
            "change since the run before? Measure this section again."
        )
    return run


def folder_bytes(folder: Path) -> int:
    """Returns the size of all files in a folder and below it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _component(execution: Execution, seen: Observation) -> Component:
    return Component(
        name=execution.component,
        started=execution.started - seen.started,
        seconds=execution.ended - execution.started,
        cached=execution.cached,
        peak_bytes=seen.peak_within([(execution.started, execution.ended)]),
    )


def _epochs(executions: Sequence[Execution], layout: Layout) -> Epochs | None:
    (trainer,) = (each for each in executions if each.component == _TRAINER)
    if trainer.cached:
        return None
    folder = layout.pipeline_root / _TRAINER / "model_run" / str(trainer.id)
    return read_epochs(folder / names.EPOCHS_FILE, trainer.started)


def _read_json(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return content
