"""Settings of the gate: what a model must reach before it is pushed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schema.settings import Settings

GatedMetric = Literal["micro_f1", "lrap", "precision@1", "binary_accuracy"]


class GateSettings(Settings):
    """What a model must reach before it is pushed.

    Attributes:
        floors: Lowest value of each metric on the test split.
        max_drop: How far each metric may fall below the last blessed model's, on the test papers
            that it was not trained on.
        min_examples: Fewest test papers that the figures may rest on, in the comparison too; so
            there is always a gate, without which TFX would bless nothing.
    """

    floors: dict[GatedMetric, float] = Field(default_factory=dict)
    max_drop: dict[GatedMetric, float] = Field(default_factory=dict)
    min_examples: int = Field(default=1, ge=1)
