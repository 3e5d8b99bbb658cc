"""What the model says about a text, however it is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Suggestion:
    """One label of a text.

    Attributes:
        label: The label.
        score: The model's probability, 0 to 1.
        suggested: Whether the score reaches the model's own threshold.
    """

    label: str
    score: float
    suggested: bool
