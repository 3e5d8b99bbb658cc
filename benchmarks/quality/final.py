"""Sums up runs of the whole pipeline on several split seeds against their LinearSVC, on test.

Run it as `python -m benchmarks.quality.final OUT [OUT ...]`, with the output folders of runs of
one configuration that differ in `data.seed` alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.console import Console

from benchmarks.quality.study import FIGURES

_BASELINE: Final = "linear_svc"


@click.command()
@click.argument("outputs", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(outputs: tuple[Path, ...]) -> None:
    """Prints a Markdown table: each split's figures and differences, and their means."""
    reports = [json.loads((output / "report" / "report.json").read_text()) for output in outputs]
    seeds = [report["card"]["settings"]["data"]["seed"] for report in reports]
    console = Console()
    split_heads = " | ".join(f"split {seed}, against LinearSVC" for seed in seeds)
    lines = [
        f"| metric | mean | LinearSVC | mean difference | {split_heads} |",
        "| --- " * (len(seeds) + 4) + "|",
    ]
    for metric in FIGURES:
        rows = [_row(report, metric) for report in reports]
        mean = np.mean([row["value"] for row in rows])
        baseline = np.mean([row["baselines"][_BASELINE]["value"] for row in rows])
        cells = " | ".join(_cell(row) for row in rows)
        means = f"{mean:.4f} | {baseline:.4f} | {_mean_difference(rows)}"
        lines.append(f"| {metric} | {means} | {cells} |")
    console.print("\n".join(lines), soft_wrap=True, markup=False)


def _row(report: dict[str, Any], metric: str) -> dict[str, Any]:
    (row,) = (each for each in report["headline"] if each["metric"] == metric)
    return dict(row)


def _mean_difference(rows: Sequence[dict[str, Any]]) -> str:
    """Returns the mean over the splits, with its 95 % interval.

    The interval is that of independent normal means: its half width is the root of the sum of the
    splits' squared half widths, over their number. Test splits of different seeds share about one
    paper in twenty.
    """
    differences = [row["baselines"][_BASELINE]["difference"] for row in rows]
    mean = np.mean([each["value"] for each in differences])
    halves = [(each["high"] - each["low"]) / 2 for each in differences]
    half = np.sqrt(np.sum(np.square(halves))) / len(halves)
    return f"{mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})"


def _cell(row: dict[str, Any]) -> str:
    ahead = row["baselines"][_BASELINE]["difference"]
    interval = f"{ahead['low']:+.4f} to {ahead['high']:+.4f}"
    return f"{row['value']:.4f}, {ahead['value']:+.4f} ({interval})"


if __name__ == "__main__":
    main()
