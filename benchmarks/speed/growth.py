"""Section `growth`: the default profile on multiples of a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from benchmarks.speed.pipeline_run import OTHER_SEED, run_pipeline, run_trainer_alone
from benchmarks.speed.served import server_memory
from schema import names
from serving.predict import find_model

_SETTINGS: Final = ("baselines.enabled=[]", "gate.max_drop_from_baseline={}")
# One epoch is enough: after the second, early stopping only adds a copy of the served model, whose
# size does not depend on the number of papers.
_ALONE: Final = (*_SETTINGS, OTHER_SEED, "trainer.epochs=1")


def measure_growth(data: Path, work: Path, multiples: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Runs the default profile on each multiple, from an empty folder, without baselines.

    The LinearSVC baseline trains on a bounded sample, so its time says nothing about growth.

    Args:
        data: The CSV file.
        work: Where a run writes; deleted after each.
        multiples: Of its rows, ascending; they are repeated under fresh titles.

    Yields:
        After each multiple what was found up to it: `runs`, for each multiple: `multiple`,
        `rows`, the `run`; and for the first and the last one `trainer_alone`, a
        run where all before Trainer was cached, and `server_bytes`, what the server holds
        with that model.

    Raises:
        CommandError: A run failed.
        RuntimeError: The code changed meanwhile.
    """
    runs: list[dict[str, Any]] = []
    for multiple in multiples:
        runs.append(_measure(data, work, multiple, multiple in (multiples[0], multiples[-1])))
        yield {"runs": runs}


def _measure(data: Path, work: Path, multiple: int, at_an_end: bool) -> dict[str, Any]:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    output = work / "out"
    try:
        papers = work / "papers.csv"
        found: dict[str, Any] = {
            "multiple": multiple,
            "rows": _write_multiple(data, multiple, papers),
            "run": run_pipeline(papers, output, "default", _SETTINGS),
        }
        if at_an_end:
            found["server_bytes"] = server_memory(find_model(str(output)))
            found["trainer_alone"] = run_trainer_alone(papers, output, "default", _ALONE)
    finally:
        shutil.rmtree(work)
    return found


def _write_multiple(source: Path, multiple: int, target: Path) -> int:
    """Writes copies of a CSV file's rows, each with titles of its own; returns how many rows."""
    rows = pd.read_csv(source, dtype=str, keep_default_na=False)
    for copy in range(multiple):
        titles = rows[names.TITLES] + (f" [{copy}]" if copy else "")
        copied = rows.assign(**{names.TITLES: titles})
        copied.to_csv(target, mode="a", header=copy == 0, index=False)
    return multiple * len(rows)
