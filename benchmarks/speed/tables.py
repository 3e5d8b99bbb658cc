"""The Markdown tables of the sections, from their recorded figures, by `tables.md.j2`."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import jinja2

# Epochs of the example; those that were not run count as the median one.
EXAMPLE_EPOCHS: Final = 20

BEGIN: Final = "<!-- speed -->"
END: Final = "<!-- /speed -->"

# A run of the pipeline as JSON.
Run = dict[str, Any]


def table(name: str, figures: Any) -> str:
    """Returns the tables that a macro of the template makes of recorded figures."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "component": component,
        "trainer_bytes": _trainer_bytes,
        "seconds_to_pushed": seconds_to_pushed,
        "epoch_seconds": epoch_seconds,
        "example_seconds": example_seconds,
        "seconds": lambda value: f"{value:,.0f}" if value >= 100 else f"{value:,.1f}",
        # In units of 10^9 bytes; 0 was too short to be seen.
        "gigabytes": lambda size: f"{size / 1e9:,.2f}" if size else "-",
        "megabytes": lambda size: f"{size / 1e6:,.0f}",
        "number": lambda value: f"{value:,.0f}",
    }
    module = environment.get_template("tables.md.j2").module
    return str(getattr(module, name)(figures)).strip()


def write_page(page: Path, results: dict[str, Any]) -> None:
    """Replaces what stands between the two markers of a page."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} with an {END} after it.")
    page.write_text(f"{before}{BEGIN}\n{table('page', results)}\n{END}{after}", "utf-8")


def component(run: Run, name: str) -> dict[str, Any]:
    """Returns a component of a run."""
    (found,) = (each for each in run["components"] if each["name"] == name)
    return dict(found)


def seconds_to_pushed(run: Run) -> float:
    """Returns the seconds from the command's start until the model is pushed."""
    pusher = component(run, "Pusher")
    return float(pusher["started"] + pusher["seconds"])


def epoch_seconds(epochs: Sequence[dict[str, float]]) -> float:
    """Returns the median over the epochs, without the first one where there are others.

    Keras compiles in the first one.
    """
    return float(statistics.median(each["seconds"] for each in epochs[1:] or epochs))


def example_seconds(example: dict[str, Any]) -> float:
    """Returns the seconds of the example from the CSV to the evaluated model."""
    missing = EXAMPLE_EPOCHS - len(example["epochs"])
    steps = sum(example["seconds"][step] for step in ("read", "adapt", "train", "evaluate"))
    return float(steps + missing * epoch_seconds(example["epochs"]))


def _trainer_bytes(run: Run | None) -> int | None:
    return component(run, "Trainer")["peak_bytes"] if run else None
