"""Shows a person the headline figures of a report, read from its JSON alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.report.words import baseline_title, best_baselines_first, metric_title, verdict
from schema import names
from schema.errors import BadInputError, UsageError

Facts = Mapping[str, Any]


def read_report(output: Path) -> tuple[Path, Facts]:
    """Reads the report of the last run.

    Args:
        output: The output folder of the run.

    Returns:
        The page's path, and its figures.

    Raises:
        UsageError: There is none.
        BadInputError: It can't be read.
    """
    folder = output / names.REPORT_DIR
    page, path = folder / names.REPORT_PAGE_FILE, folder / names.REPORT_FILE
    if not (page.is_file() and path.is_file()):
        raise UsageError(
            f"There is no report in {output}. A run writes it: `arxiv-tagger run --output "
            f"{output}`; or name the output folder of a run with --output."
        )
    try:
        report = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"Can't read {path}: {error}. The next run writes it anew.") from error
    return page, report


def show_report(console: Console, report: Facts, page: Path) -> None:
    """Shows what became of the model, its figures with intervals, and the baselines'.

    Of a model that was not measured there is only why.
    """
    found = report["verdict"]
    colour = "green" if found["state"] == "blessed" else "red"
    console.print(f"[bold {colour}]{verdict(**found)}[/]")
    for reason in found["reasons"]:
        console.print(f"  {escape(reason)}", soft_wrap=True)
    if "headline" in report:
        console.print()
        _show_headline(console, report)
    console.print(f"\n[bold]Page[/]     {escape(str(page))}", soft_wrap=True)


def _show_headline(console: Console, report: Facts) -> None:
    """Shows the model beside the best baseline, and the others below: a terminal is narrow."""
    test, rows = report["test"], report["headline"]
    baselines = best_baselines_first(report)
    best = baselines[0] if baselines else None
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("this model", no_wrap=True)
    if best is not None:
        table.add_column(baseline_title(best), justify="right")
        table.add_column("difference", no_wrap=True)
        table.add_column("")
    for row in rows:
        cells = [metric_title(row["metric"]), _interval(row, "")]
        if best is not None:
            other = row["baselines"][best]
            cells.append(f"{other['value']:.3f}")
            cells.extend((_interval(other["difference"], "+"), _told(other["difference"])))
        table.add_row(*cells)
    console.print(table)
    for name in baselines[1:]:
        reached = ", ".join(
            f"{metric_title(row['metric'])} {row['baselines'][name]['value']:.3f}" for row in rows
        )
        console.print(f"[dim]{escape(baseline_title(name))}: {reached}[/]", soft_wrap=True)
    console.print(
        f"[dim]In brackets: {test['level']:.0%} of {test['resamples']:,} random draws of "
        f"{test['scored']:,} test papers.[/]",
        soft_wrap=True,
    )


def _interval(figure: Facts, sign: str) -> str:
    value, low, high = (f"{figure[key]:{sign}.3f}" for key in ("value", "low", "high"))
    return escape(f"{value} [{low}, {high}]")


def _told(difference: Facts) -> str:
    if difference["low"] > 0:
        return "[green]better[/]"
    return "[red]worse[/]" if difference["high"] < 0 else "[dim]unclear[/]"
