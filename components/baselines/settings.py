"""Settings of Baselines: which ones are computed, and what they may cost."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from schema.settings import Settings

BaselineName = Literal["none", "frequent", "linear_svc"]

# Each baseline's title and what it does.
CAPTIONS: Final[dict[str, tuple[str, str]]] = {
    "none": ("no labels", "suggests nothing and ranks labels at random"),
    "frequent": ("most frequent", "suggests the same frequent labels for every paper"),
    "linear_svc": ("LinearSVC", "one linear classifier per label, on TF-IDF"),
}


class BaselineSettings(Settings):
    """What the model is compared with.

    Attributes:
        enabled: The baselines to compute, a list. Choices: none (suggests nothing), frequent
            (suggests the most frequent labels for every paper), linear_svc (a linear support
            vector machine for each label, on TF-IDF).
        max_examples: Maximum number of training papers for linear_svc; larger splits are sampled.
        jobs: Number of processes that train linear_svc; 0 means one per core, at most 8. Each
            has its own copy of the features (130 MB for 33,000 papers).
        beside_training: Whether they are computed beside the statistics, Transform and Trainer.
            Otherwise they wait for the check of the data, and on one machine Transform waits for
            them: that takes longer, but less memory.
    """

    enabled: tuple[BaselineName, ...] = ("none", "frequent", "linear_svc")
    max_examples: int = Field(default=200_000, ge=1)
    jobs: int = Field(default=0, ge=0)
    beside_training: bool = True
