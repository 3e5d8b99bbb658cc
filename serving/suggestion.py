"""A suggested label, the same from a server and from a model in this process."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Suggestion:
    """One label of a text.

    Attributes:
        label: The label.
        score: The model's probability, 0 to 1.
        suggested: Whether the score reaches the label's threshold.
        name: What the label is called; empty where neither the model nor the client knows it.
    """

    label: str
    score: float
    suggested: bool
    name: str = ""

    def as_dict(self) -> dict[str, object]:
        """Returns it for JSON, without a name where it has none."""
        return {key: value for key, value in asdict(self).items() if key != "name" or value}
