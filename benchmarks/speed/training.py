"""Section `training`: the Keras example, and the pipeline with the same network."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.observe import observe
from benchmarks.speed.pipeline_run import OTHER_SEED, run_pipeline, run_trainer_alone

_PROFILE: Final = "keras_example"
_DEFAULT: Final = "default"
_SHORT_EPOCHS: Final = 2


def measure_training(data: Path, work: Path, timed: int) -> dict[str, Any]:
    """Runs the example, its profile with `lazy_rms` and with exact Adam, and the default profile.

    Args:
        data: The CSV file.
        work: An empty folder for the runs.
        timed: Epochs of the example and of its profile with exact Adam, which take longest.
            With `lazy_rms` its profile runs all of its epochs.

    Returns:
        `example`, what it says of itself and its `peak_bytes`; and the runs `lazy`
        and `default`, each from an empty folder; and `lazy_alone`, `adam` and
        `default_alone`, each with Trainer alone: `adam` with the seed of `lazy`, the others
        with another, and all before it from the cache.
    """
    work.mkdir()
    example = _run_example(data, work / "example.json", timed)
    size = f"features.max_tokens={example['max_tokens']}"

    def settings(optimizer: str, *more: str) -> tuple[str, ...]:
        return (size, f"trainer.optimizer={optimizer}", *more)

    # The lazy one comes first in its folder: later models are also compared with the last one.
    # Trainer alone is run for its memory, which does not grow with the epochs.
    of_example, of_default = work / _PROFILE, work / _DEFAULT
    short = f"trainer.epochs={_SHORT_EPOCHS}"
    runs = {
        "lazy": run_pipeline(data, of_example, _PROFILE, settings("lazy_rms")),
        "lazy_alone": run_trainer_alone(
            data, of_example, _PROFILE, settings("lazy_rms", short, OTHER_SEED)
        ),
        "adam": run_trainer_alone(
            data, of_example, _PROFILE, settings("adam", f"trainer.epochs={timed}")
        ),
        "default": run_pipeline(data, of_default, _DEFAULT),
        "default_alone": run_trainer_alone(data, of_default, _DEFAULT, [OTHER_SEED]),
    }
    return {"example": example} | runs


def _run_example(data: Path, output: Path, epochs: int) -> dict[str, Any]:
    """Returns what the Keras example, in a process of its own, says of itself; and its peak."""
    seen = observe(
        [
            *(sys.executable, "-m", "benchmarks.speed.example", "--data", str(data)),
            *("--epochs", str(epochs), "--output", str(output)),
        ]
    )
    example: dict[str, Any] = json.loads(output.read_text("utf-8"))
    return {**example, "peak_bytes": seen.peak_bytes}
