"""Settings of the report: how the figures are made, and what the model card says."""

from __future__ import annotations

from pydantic import Field

from schema.settings import Settings


class ReportSettings(Settings):
    """How the report is made.

    Attributes:
        bootstrap_samples: How often the test papers are drawn anew for the intervals.
        level: Share of the draws that lies inside an interval.
        max_papers: Test papers that intervals and plots rest on, at the most; of a larger split
            so many are drawn. The Evaluator's figures always rest on all of them.
        wrong_papers: How many of the most wrong test papers are shown.
        seed: Seed of the draws.
        intended_use: What the model is for, for the model card.
        limits: What a person has to know before relying on it, for the model card.
    """

    bootstrap_samples: int = Field(default=1_000, ge=1)
    level: float = Field(default=0.95, gt=0.0, lt=1.0)
    max_papers: int = Field(default=20_000, ge=1)
    wrong_papers: int = Field(default=10, ge=0)
    seed: int = Field(default=0, ge=0)
    intended_use: str = (
        "Suggests labels for a paper from its title and abstract, best first. A person confirms "
        "them: it helps to file a paper, and decides nothing about it."
    )
    limits: tuple[str, ...] = (
        "It knows only the labels of its training papers; others are never suggested.",
        "Labels with few training papers are seldom suggested, and less reliably.",
        "It reads words, not meaning: a text in another language or from another field gets "
        "labels too, with little ground.",
        "It was measured on papers from the same source as it was trained on; on others it may "
        "do worse.",
    )
