"""The counts of the curation steps, as `run` and `check` show them."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from components.report.captions import CURATION
from pipeline.terminal import Terminal


def show_curation(console: Terminal, counts: Mapping[str, int]) -> None:
    """Shows how many rows each curation step kept and dropped."""
    table = Table("", "Curation", box=None, pad_edge=False, header_style="bold")
    table.columns[0].justify = "right"
    for key, caption in CURATION:
        table.add_row(f"{counts[key]:,}", console.words.of(caption))
    console.print(table)
