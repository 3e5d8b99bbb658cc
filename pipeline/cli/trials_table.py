"""The trials of the tuner, as `run` shows them."""

from __future__ import annotations

from typing import Final

from rich.table import Table

from pipeline.local.results import NodeResult
from pipeline.terminal import Terminal, styled

_SHOWN_TRIALS: Final = 15


def show_trials(console: Terminal, tuner: NodeResult) -> None:
    """Shows the best trials, the best one first."""
    # Loads TFX.
    from components.tuner.results import read_trials, trial_table

    heads, *rows = trial_table(read_trials(str(tuner.folder("tuner_results"))))
    table = Table(*map(str.capitalize, heads[:1]), *heads[1:], box=None, pad_edge=False)
    table.header_style = "bold"
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows[:_SHOWN_TRIALS]:
        table.add_row(*map(styled, row))
    console.print(table)
    if len(rows) > _SHOWN_TRIALS:
        console.say((f"{len(rows) - _SHOWN_TRIALS} more are in the report.", "dim"))
    console.print()
