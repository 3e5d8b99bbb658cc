"""A suggested label, the same from a server and from a model in this process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Suggestion:
    """One label of a text.

    Attributes:
        label: The label.
        score: The model's probability, 0 to 1.
        suggested: Whether the score reaches the label's threshold.
        name: What the label is called, if the model is in this process and knows it; else empty.
    """

    label: str
    score: float
    suggested: bool
    name: str = ""
