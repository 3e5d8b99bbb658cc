"""The trials of a search, as report and terminal show them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tfx.dsl.io import fileio

from components.trainer.settings import chosen_values

_RESULTS_FILE: Final = "tuner_results.json"

Trials = Sequence[Mapping[str, Any]]


def read_trials(folder: str) -> Trials:
    """Reads what TFX's Tuner wrote.

    Returns:
        `number`, from 1; `lrap` on validation, None where training diverged; and the `values` by
        setting of each trial, best first. The first has the profile's own values.
    """
    with fileio.open(f"{folder}/{_RESULTS_FILE}") as file:
        rows = json.loads(file.read())
    return [
        {
            "number": int(row.pop("trial_id")) + 1,
            "lrap": row.pop("score") or None,
            "values": chosen_values(row),
        }
        for row in rows
    ]


def trial_table(trials: Trials) -> list[list[str]]:
    """Returns the cells of a table: a row of heads, then a row for each trial."""
    heads = ["trial", "LRAP", *trials[0]["values"]]
    return [heads] + [
        [
            f"{trial['number']}{' (profile)' if trial['number'] == 1 else ''}",
            "diverged" if trial["lrap"] is None else f"{trial['lrap']:.4f}",
            *map(_text, trial["values"].values()),
        ]
        for trial in trials
    ]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
