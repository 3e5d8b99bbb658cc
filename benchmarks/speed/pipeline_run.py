"""Runs the pipeline under observation: time and memory of each component and of the whole."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.executions import Execution, read_executions
from benchmarks.speed.observe import observe
from pipeline.local.output_folder import OutputFolder
from pipeline.local.results import METRICS_FILE, read_json
from schema import names
from serving.predict import find_model

Run = dict[str, Any]

# Makes Trainer run again, on the same input.
OTHER_SEED: Final = "trainer.seed=1"

# Weak models are measured too.
_OPEN_GATE: Final = ("gate.floors={}", "gate.max_drop={}")
# Evaluator still waits for the baselines, but is never too far behind them.
_DEFAULT_GATE: Final = (*_OPEN_GATE, "gate.max_drop_from_baseline={micro_f1: 1}")
_TRAINER: Final = "Trainer"


def measure_pipeline(data: Path, work: Path) -> dict[str, Any]:
    """Section `pipeline`: the default profile in an empty folder, then again; and scikit-learn.

    Args:
        data: The CSV file.
        work: The output folder, which is empty.

    Returns:
        The runs `cold` and `cached`, as `run_pipeline` gives them, and `scikit_learn`: `seconds`,
        `peak_bytes` and `metrics` of the script.
    """
    runs = {name: run_pipeline(data, work, "default") for name in ("cold", "cached")}
    seen = observe([sys.executable, "-m", "benchmarks.speed.sklearn_once", str(data)])
    script = {"seconds": seen.seconds, "peak_bytes": seen.peak_bytes}
    return {**runs, "scikit_learn": {**script, "metrics": json.loads(seen.printed)}}


def run_pipeline(data: Path, output: Path, profile: str, settings: Sequence[str] = ()) -> Run:
    """Runs `arxiv-tagger run`, with a gate that refuses no figure.

    Args:
        data: The CSV file.
        output: The output folder; what it holds is the cache.
        profile: The profile.
        settings: Changed settings, `section.key=value` each.

    Returns:
        `profile` and `settings`; `papers` that were kept; `seconds` and `peak_bytes` of the whole
        command; `components` in the order in which they ran: `name`, `started` (seconds since the
        command's start), `seconds`, `cached` and `peak_bytes`, which is 0 below a tenth of a
        second; `epochs`, with the `lines` that Trainer wrote at each epoch's end, or None
        where it was cached; `metrics` of the test split; and `exported_bytes` of the pushed model.
    """
    gate = _DEFAULT_GATE if profile == "default" else _OPEN_GATE
    command = [
        *(str(Path(sys.executable).with_name("arxiv-tagger")), "run"),
        *("--data", str(data), "--output", str(output), "--profile", profile),
        *(part for setting in (*gate, *settings) for part in ("--set", setting)),
    ]
    seen = observe(command)
    folder = OutputFolder(output)
    executions = read_executions(folder.metadata)
    return {
        "profile": profile,
        "settings": list(settings),
        "papers": read_json(output / names.CURATION_FILE)["kept"],
        "seconds": seen.seconds,
        "peak_bytes": seen.peak_bytes,
        "components": [
            {
                "name": each.component,
                "started": each.started - seen.started,
                "seconds": each.ended - each.started,
                "cached": each.cached,
                "peak_bytes": seen.peak_within([(each.started, each.ended)]),
            }
            for each in executions
        ],
        "epochs": _epochs(executions, folder),
        "metrics": read_json(output / METRICS_FILE),
        "exported_bytes": folder_bytes(find_model(str(output))),
    }


def run_trainer_alone(data: Path, output: Path, profile: str, settings: Sequence[str]) -> Run:
    """Runs the pipeline where it has run before, with other settings for Trainer.

    So Trainer is the first that works, and what comes before it adds nothing to its memory.
    """
    run = run_pipeline(data, output, profile, settings)
    before = itertools.takewhile(lambda each: each["name"] != _TRAINER, run["components"])
    if again := [each["name"] for each in before if not each["cached"]]:
        raise RuntimeError(
            f"{', '.join(again)} ran again, so Trainer's memory is not its own. Did the code "
            "change since the run before? Measure this section again."
        )
    return run


def folder_bytes(folder: Path) -> int:
    """Returns the size of all files in a folder and below it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _epochs(executions: Sequence[Execution], folder: OutputFolder) -> dict[str, Any] | None:
    (trainer,) = (each for each in executions if each.component == _TRAINER)
    if trainer.cached:
        return None
    file = folder.pipeline_root / _TRAINER / "model_run" / str(trainer.id) / names.EPOCHS_FILE
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    # A line with a step was written inside an epoch.
    return {"lines": [line for line in lines if "step" not in line]}
