"""`arxiv-tagger report`: the headline figures of the last run, read from its report's JSON."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from components.metrics.names import METRICS
from components.report.captions import baseline_title, best_baselines_first, verdict
from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.terminal import Terminal, styled
from schema import names
from schema.errors import BadInputError, UsageError
from schema.words import Words

Facts = Mapping[str, Any]


@click.command()
@options.folder("--output", "The output folder of a run.")
@click.option("--open", "in_browser", is_flag=True, help="Open the report in a browser.")
@report_errors
def report(output: Path, in_browser: bool) -> None:
    """Show the last run's headline figures, and where its report is."""
    folder = output / names.REPORT_DIR
    page, path = folder / names.REPORT_PAGE_FILE, folder / names.REPORT_FILE
    if not (page.is_file() and path.is_file()):
        raise UsageError(
            f"There is no report in {output}. Write one with `arxiv-tagger run --output {output}`, "
            "or give the output folder of a run with --output."
        )
    try:
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"Can't read {path}: {error}. The next run rewrites it.") from error
    # Reports of older versions name fewer settings.
    console = Terminal(Words.of_settings(facts.get("card", {}).get("settings", {})))
    _show_report(console, facts, page)
    if in_browser and not webbrowser.open(page.absolute().as_uri()):
        raise UsageError(f"There is no browser here to open {page} with. Open it by hand.")


def _show_report(console: Terminal, facts: Facts, page: Path) -> None:
    """Shows the verdict, the figures with their intervals, and the baselines'."""
    found = facts["verdict"]
    colour = "green" if found["state"] == "blessed" else "red"
    console.say((verdict(**found), f"bold {colour}"))
    for reason in found["reasons"]:
        console.say(f"  {reason}")
    if "headline" in facts:
        console.print()
        _show_headline(console, facts)
    console.say(("\nReport", "bold"), f"   {page}")


def _show_headline(console: Terminal, facts: Facts) -> None:
    """Shows the model beside the best baseline, and the others below: a terminal is narrow."""
    test, rows = facts["test"], facts["headline"]
    baselines = best_baselines_first(facts)
    best = baselines[0] if baselines else None
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("this model", no_wrap=True)
    if best is not None:
        table.add_column(baseline_title(best), justify="right")
        table.add_column("difference", no_wrap=True)
        table.add_column("")
    for row in rows:
        cells: list[str | Text] = [METRICS[row["metric"]].title, _interval(row, "")]
        if best is not None:
            other = row["baselines"][best]
            cells.append(f"{other['value']:.3f}")
            cells.extend((_interval(other["difference"], "+"), _compared(other["difference"])))
        table.add_row(*cells)
    console.print(table)
    for name in baselines[1:]:
        reached = ", ".join(
            f"{METRICS[row['metric']].title} {row['baselines'][name]['value']:.3f}" for row in rows
        )
        console.say((f"{baseline_title(name)}: {reached}", "dim"))
    scope = (
        f"In brackets: {test['level']:.0%} interval over {test['resamples']:,} resamples of "
        f"{test['scored']:,} test papers."
    )
    console.say((console.words.of(scope), "dim"))


def _interval(figure: Facts, sign: str) -> str:
    value, low, high = (f"{figure[key]:{sign}.3f}" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _compared(difference: Facts) -> Text:
    if difference["low"] > 0:
        return styled(("better", "green"))
    return styled(("worse", "red") if difference["high"] < 0 else ("unclear", "dim"))
