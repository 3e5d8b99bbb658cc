"""Settings of the gate: what a model must reach to be pushed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_core import InitErrorDetails

from components.evaluator.paper_slices import ORDERED_VALUES, SLICES
from components.metrics.names import EXAMPLES, LABEL_NUMBERS, METRIC_NAMES, METRICS, ComparedMetric
from schema.settings import Settings

NO_BASELINES: Final = (
    "gate.max_drop_from_baseline compares with the best baseline, and baselines.enabled is empty. "
    "Enable one, or set gate.max_drop_from_baseline={}"
)


def _floor(metric: str) -> str:
    if _higher_is_better(metric) is False:
        raise ValueError("lower is better, so bound it in gate.ceilings or gate.slice_ceilings")
    return metric


def _ceiling(metric: str) -> str:
    if _higher_is_better(metric):
        raise ValueError("higher is better, so bound it in gate.floors or gate.slice_floors")
    return metric


def _higher_is_better(metric: str) -> bool | None:
    known = [name for name in METRIC_NAMES if name != EXAMPLES]
    if metric not in known:
        raise ValueError(f"there is no such metric; choose from {', '.join(known)}")
    return METRICS[metric].higher_is_better


def _refuse(faults: Mapping[tuple[str, ...], str]) -> None:
    """Raises what is wrong under each path, so that a person is told each with its line."""
    if faults:
        details = [
            InitErrorDetails(type="value_error", loc=at, input=None, ctx={"error": faults[at]})
            for at in faults
        ]
        raise ValidationError.from_exception_data("gate", details)


def _in_range(bounds: dict[str, float]) -> dict[str, float]:
    faults: dict[tuple[str, ...], str] = {}
    for name, bound in bounds.items():
        if bound < 0 or (bound > 1 and name not in LABEL_NUMBERS):
            values = "0 or more" if name in LABEL_NUMBERS else "from 0 to 1"
            faults[name,] = f"must be {values}, got {bound:g}"
    _refuse(faults)
    return bounds


Floors = Annotated[dict[Annotated[str, AfterValidator(_floor)], float], AfterValidator(_in_range)]
Ceilings = Annotated[
    dict[Annotated[str, AfterValidator(_ceiling)], float], AfterValidator(_in_range)
]
Drops = Annotated[dict[ComparedMetric, float], AfterValidator(_in_range)]
Slices = dict[str, dict[str, dict[str, float]]]


class GateSettings(Settings):
    """What a model must reach on the test split to be pushed.

    Attributes:
        floors: Lowest value of each metric: any metric of `metrics.json` but those where lower is
            better, `examples`, `threshold` and those with a slash in their name.
        ceilings: Highest value of each metric: hamming_loss, ece, ece_suggested, missed, extra,
            suggestions.
        slice_floors: As floors, on slices of the test papers, such as
            `{rarest_label: {rare: {micro_f1: 0.3}}}`. The report lists the slices;
            `report.json` has all their metrics.
        slice_ceilings: As ceilings, on slices.
        max_drop: How far each metric may fall below the last blessed model's, from 0 to 1,
            measured on the test papers that the last one was not trained on.
        max_drop_from_baseline: How far each metric may fall below the best baseline's on the same
            test papers, from 0 to 1. Evaluator then waits for Baselines, in a cloud too.
        min_examples: Minimum number of test papers, including for comparisons and in each slice
            with a bound.
    """

    floors: Floors = Field(default_factory=dict)
    ceilings: Ceilings = Field(default_factory=dict)
    slice_floors: dict[str, dict[str, Floors]] = Field(default_factory=dict)
    slice_ceilings: dict[str, dict[str, Ceilings]] = Field(default_factory=dict)
    max_drop: Drops = Field(default_factory=dict)
    max_drop_from_baseline: Drops = Field(default_factory=dict)
    # Without any bound TFX would bless nothing.
    min_examples: int = Field(default=1, ge=1)

    @field_validator("slice_floors", "slice_ceilings")
    @classmethod
    def _slices_exist(cls, bounds: Slices) -> Slices:
        # Which archives there are, only the papers tell.
        known = {name: ORDERED_VALUES.get(name, values) for name, values in bounds.items()}
        no_such = "there is no such slice; choose from"
        _refuse(
            {(name,): f"{no_such} {', '.join(SLICES)}" for name in bounds if name not in SLICES}
            | {
                (name, value): f"{no_such} {', '.join(map(repr, known[name]))}"
                for name, values in bounds.items()
                for value in values
                if value not in known[name]
            }
        )
        return bounds
