"""Section `growth`: the default profile on multiples of a file."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.beam_bytes import write_multiple
from benchmarks.speed.pipeline_run import OTHER_SEED, run_pipeline, run_trainer_alone
from benchmarks.speed.served import server_memory
from serving.predict import find_model

_SETTINGS: Final = ("baselines.enabled=[]",)
# Its memory does not grow with the epochs, but for the copy that early stopping keeps from the
# second one on: as large as the model that is served, whatever the number of papers.
_ALONE: Final = (*_SETTINGS, OTHER_SEED, "trainer.epochs=1")


def measure_growth(data: Path, work: Path, multiples: Sequence[float]) -> Iterator[dict[str, Any]]:
    """Runs the default profile on each multiple, from an empty folder, without baselines.

    The LinearSVC beside the model trains on a bounded sample, so its time says nothing of growth.

    Args:
        data: The CSV file.
        work: Where a run writes; deleted after each.
        multiples: Of its rows, ascending; those over 1 repeat them under fresh titles.

    Yields:
        After each multiple what was found up to it: `runs`, for each multiple: `multiple`,
        `rows`, the PipelineRun `run`; and for the first and the last one `trainer_alone`, a
        PipelineRun where all before Trainer was cached, and `server_bytes`, what the server holds
        with that model.

    Raises:
        CommandError: A run failed.
        NotCachedError: The code changed meanwhile.
    """
    runs: list[dict[str, Any]] = []
    for multiple in multiples:
        runs.append(_measure(data, work, multiple, multiple in (multiples[0], multiples[-1])))
        yield {"runs": runs}


def _measure(data: Path, work: Path, multiple: float, at_an_end: bool) -> dict[str, Any]:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    output = work / "out"
    try:
        papers = work / "papers.csv"
        found: dict[str, Any] = {
            "multiple": multiple,
            "rows": write_multiple(data, multiple, None, papers),
            "run": dataclasses.asdict(run_pipeline(papers, output, "default", _SETTINGS)),
        }
        if at_an_end:
            found["server_bytes"] = server_memory(find_model(str(output)))
            alone = run_trainer_alone(papers, output, "default", _ALONE)
            found["trainer_alone"] = dataclasses.asdict(alone)
    finally:
        shutil.rmtree(work)
    return found
