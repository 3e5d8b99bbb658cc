"""The trials of a search, as report and terminal show them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.dsl.io import fileio

from components.trainer.settings import chosen_values

Trials = Sequence[Mapping[str, Any]]


def read_trials(folder: str) -> Trials:
    """Returns `number`, `lrap` (None: diverged) and `values` of each trial, best first."""
    with fileio.open(f"{folder}/tuner_results.json") as file:
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
    """Returns the cells of a table: a row of heads, then one for each trial."""
    rows = [["trial", "LRAP", *trials[0]["values"]]]
    for trial in trials:
        number = f"{trial['number']}{' (profile)' if trial['number'] == 1 else ''}"
        lrap = f"{trial['lrap']:.4f}" if trial["lrap"] else "diverged"
        rows.append([number, lrap, *map(_text, trial["values"].values())])
    return rows


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value).strip('"')
