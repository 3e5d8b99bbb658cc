"""Settings of the gate: what a model must reach to be pushed."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from components.evaluator.paper_slices import ORDERED_VALUES, SLICES
from components.metrics.names import EXAMPLES, METRIC_NAMES, METRICS, ComparedMetric
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


Floors = dict[Annotated[str, AfterValidator(_floor)], float]
Ceilings = dict[Annotated[str, AfterValidator(_ceiling)], float]
Slices = dict[str, dict[str, dict[str, float]]]


class GateSettings(Settings):
    """What a model must reach on the test split to be pushed.

    Attributes:
        floors: Lowest value of each metric: any metric of `metrics.json` but those where lower is
            better.
        ceilings: Highest value of each metric: hamming_loss, ece, ece_suggested, missed, extra,
            suggestions.
        slice_floors: As floors, on slices of the test papers, such as
            `{rarest_label: {rare: {micro_f1: 0.3}}}`. The report lists the slices and their
            metrics.
        slice_ceilings: As ceilings, on slices.
        max_drop: How far each metric may fall below the last blessed model's, from 0 to 1,
            measured on the test papers that this model was not trained on.
        max_drop_from_baseline: How far each metric may fall below the best baseline's on the same
            test papers, from 0 to 1. Evaluator then waits for Baselines, in a cloud too.
        min_examples: Minimum number of test papers, including for comparisons and in each slice
            with a bound.
    """

    floors: Floors = Field(default_factory=dict)
    ceilings: Ceilings = Field(default_factory=dict)
    slice_floors: dict[str, dict[str, Floors]] = Field(default_factory=dict)
    slice_ceilings: dict[str, dict[str, Ceilings]] = Field(default_factory=dict)
    max_drop: dict[ComparedMetric, float] = Field(default_factory=dict)
    max_drop_from_baseline: dict[ComparedMetric, float] = Field(default_factory=dict)
    # Without any bound TFX would bless nothing.
    min_examples: int = Field(default=1, ge=1)

    @field_validator("slice_floors", "slice_ceilings")
    @classmethod
    def _slices_exist(cls, bounds: Slices) -> Slices:
        for name, values in bounds.items():
            if name not in SLICES:
                raise ValueError(f"there is no slice {name!r}; choose from {', '.join(SLICES)}")
            # Which archives there are, only the papers tell.
            known = ORDERED_VALUES.get(name, list(values))
            unknown = next((value for value in values if value not in known), None)
            if unknown is not None:
                choices = ", ".join(map(repr, known))
                raise ValueError(f"{name} has no slice {unknown!r}; choose from {choices}")
        return bounds
