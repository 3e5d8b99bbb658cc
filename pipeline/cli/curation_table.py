"""The counts of the curation steps, as `run` and `check` show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.console import Console
from rich.table import Table

_CAPTIONS: Final = {
    "rows_read": "rows read",
    "dead_letters": "malformed rows, in dead_letters.jsonl",
    "repeats": "repeated titles, dropped",
    "after_dedup": "papers after that",
    "label_sets": "distinct label sets",
    "label_sets_once": "label sets that are too rare",
    "label_set_rows_dropped": "papers with those, dropped",
    "kept": "papers kept",
    "train": "for training",
    "val": "for validation",
    "test": "for test",
    "labels": "labels",
    "distinct_words_train": "distinct words in training",
}


def show_curation(console: Console, counts: Mapping[str, int]) -> None:
    """Shows how many rows each curation step kept and dropped."""
    table = Table("", "Curation", box=None, pad_edge=False, header_style="bold")
    table.columns[0].justify = "right"
    for key, caption in _CAPTIONS.items():
        table.add_row(f"{counts[key]:,}", caption)
    console.print(table)
