"""Section `pipeline`: the default profile in an empty folder, then the same command again."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from benchmarks.speed.pipeline_run import run_pipeline


def measure_pipeline(data: Path, work: Path) -> dict[str, Any]:
    """Runs the default profile twice.

    Args:
        data: The CSV file.
        work: The output folder; what it holds is deleted.

    Returns:
        The PipelineRuns `cold` and `cached`.

    Raises:
        CommandError: One of them failed.
    """
    shutil.rmtree(work, ignore_errors=True)
    return {
        name: dataclasses.asdict(run_pipeline(data, work, "default")) for name in ("cold", "cached")
    }
