"""Settings of Baselines: which ones are computed, and what they may cost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schema.settings import Settings

BaselineName = Literal["none", "frequent", "linear_svc"]


class BaselineSettings(Settings):
    """What the model is compared with.

    Attributes:
        enabled: `none` suggests nothing; `frequent` suggests the most frequent labels for every
            paper; `linear_svc` is a linear support vector machine for each label, on TF-IDF.
        max_examples: The most papers that `linear_svc` is trained on; of more it gets a seeded
            sample.
        jobs: Processes that train it; 0 is one for each core, and 8 at the most, since each has
            its own copy of the features (130 MB for 33,000 papers).
    """

    enabled: tuple[BaselineName, ...] = ("none", "frequent", "linear_svc")
    max_examples: int = Field(default=200_000, ge=1)
    jobs: int = Field(default=0, ge=0)
