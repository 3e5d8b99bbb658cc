"""The counts of the curation steps and its warnings, as `run` and `check` show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Table

from components.report.captions import curation_rows
from pipeline.terminal import Terminal


def show_curation(console: Terminal, counts: Mapping[str, int]) -> None:
    """Shows how many rows each curation step kept and dropped."""
    table = Table("", "Curation", box=None, pad_edge=False, header_style="bold")
    table.columns[0].justify = "right"
    for number, caption in curation_rows(counts):
        table.add_row(f"{number:,}", console.words.of(caption))
    console.print(table)


def show_warnings(console: Terminal, found: Iterable[str]) -> None:
    """Shows what a person should look at before using the data."""
    for warning in found:
        console.say(("! ", "yellow"), f"{warning}.")
