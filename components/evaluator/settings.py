"""Settings of the gate: what a model must reach to be pushed."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from components.metrics.names import GatedMetric
from schema.settings import Settings

NO_BASELINES: Final = (
    "gate.max_drop_from_baseline compares with the best baseline, and baselines.enabled is empty. "
    "Enable one, or set gate.max_drop_from_baseline={}"
)


class GateSettings(Settings):
    """What a model must reach on the test split to be pushed.

    Attributes:
        floors: Lowest value of each metric, from 0 to 1. Choices: micro_f1, lrap, precision@1,
            binary_accuracy.
        max_drop: How far each metric may fall below the last blessed model's, from 0 to 1,
            measured on the test papers that this model was not trained on. Choices as in floors.
        max_drop_from_baseline: How far each metric may fall below the best baseline's on the same
            test papers, from 0 to 1. Evaluator then waits for Baselines, in a cloud too. Choices
            as in floors.
        min_examples: Minimum number of test papers, including for comparisons.
    """

    floors: dict[GatedMetric, float] = Field(default_factory=dict)
    max_drop: dict[GatedMetric, float] = Field(default_factory=dict)
    max_drop_from_baseline: dict[GatedMetric, float] = Field(default_factory=dict)
    # Without any bound TFX would bless nothing.
    min_examples: int = Field(default=1, ge=1)
