"""What follows from the recorded figures of runs; a run is a PipelineRun as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

EXAMPLE_EPOCHS: Final = 20
"""What the example trains for."""

Run = dict[str, Any]
# Of the example or of Trainer: `seconds`, validation included, and figures.
Epoch = dict[str, float]


def component(run: Run, name: str) -> dict[str, Any]:
    """Returns a component of a run."""
    (found,) = (each for each in run["components"] if each["name"] == name)
    return dict(found)


def seconds_to_first_component(run: Run) -> float:
    """Returns the seconds from the command's start until a component is at work."""
    return float(min(each["started"] for each in run["components"]))


def seconds_to_pushed(run: Run) -> float:
    """Returns the seconds from the command's start until the model is pushed."""
    pusher = component(run, "Pusher")
    return float(pusher["started"] + pusher["seconds"])


def epoch_seconds(epochs: Sequence[Epoch]) -> float:
    """Returns the median over the epochs, without the first one where there are others.

    Keras compiles in the first one.
    """
    return float(statistics.median(each["seconds"] for each in epochs[1:] or epochs))


def best_epoch(epochs: Sequence[Epoch], figure: str, best: Callable[..., float]) -> int:
    """Returns the number, from 1, of the first epoch with the best figure; `best` is min or max."""
    values = [each[figure] for each in epochs]
    return values.index(best(values)) + 1


def seconds_until(epochs: Sequence[Epoch], number: int) -> float:
    """Returns what the epochs up to this one took, itself included."""
    return sum(each["seconds"] for each in epochs[:number])


def seconds_after(epochs: Sequence[Epoch], number: int) -> float:
    """Returns what the epochs after this one took."""
    return sum(each["seconds"] for each in epochs[number:])


def example_seconds(example: dict[str, Any], epochs: int) -> float:
    """Returns the seconds of the example from the CSV to the evaluated model.

    Args:
        example: Its figures.
        epochs: That it trains for. Those that were not run take as long as the median one.
    """
    steps = ("read", "adapt", "train", "evaluate")
    missing = epochs - len(example["epochs"])
    once = sum(example["seconds"][step] for step in steps)
    return float(once + missing * epoch_seconds(example["epochs"]))


def exponent(papers: Sequence[float], seconds: Sequence[float]) -> float | None:
    """Returns p where seconds grow as papers to the power p, by least squares of the logarithms.

    None for fewer than two sizes, or where something took no time.
    """
    if len(set(papers)) < 2 or min(seconds) <= 0:
        return None
    return _slope(np.log(papers), np.log(seconds))


def bytes_per_paper(papers: Sequence[float], sizes: Sequence[float]) -> float | None:
    """Returns the slope of a straight line by least squares; None for fewer than two sizes."""
    if len(set(papers)) < 2:
        return None
    return _slope(np.asarray(papers, float), np.asarray(sizes, float))


def _slope(x: Any, y: Any) -> float:
    away = x - np.mean(x)
    return float((away * (y - y.mean())).sum() / (away**2).sum())
