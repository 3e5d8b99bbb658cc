"""A suggested label, the same from a server and from a model in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Why:
    """What the logit of a label is the sum of; its sigmoid is the score.

    Attributes:
        ngrams: What n-grams add to it: those that add most, then those that take away most.
        rest: What all other n-grams of the text add.
        bias: What the model adds whatever the text's words.
    """

    ngrams: Mapping[str, float]
    rest: float
    bias: float


@dataclass(frozen=True)
class Suggestion:
    """One label of a text.

    Attributes:
        label: The label.
        score: The model's probability, 0 to 1.
        suggested: Whether the score reaches the label's threshold, and the model knows anything of
            the text.
        name: What the label is called; empty where neither the model nor the client knows it.
        why: Why it has its score, where that was asked.
    """

    label: str
    score: float
    suggested: bool
    name: str = ""
    why: Why | None = None

    def as_dict(self) -> dict[str, object]:
        """Returns it for JSON, without a name or a reason where it has none."""
        return {
            key: value for key, value in asdict(self).items() if key not in ("name", "why") or value
        }


class Suggestions(list[Suggestion]):
    """The labels of a text, best first.

    Attributes:
        known_share: The share of the text's n-grams that the model knows; None where it does not
            say. With 0 nothing is suggested.
    """

    def __init__(self, labels: Iterable[Suggestion], known_share: float | None = None) -> None:
        super().__init__(labels)
        self.known_share = known_share

    def named(self, names: Mapping[str, str]) -> Suggestions:
        """Returns them with what labels are called."""
        named = (replace(each, name=names.get(each.label, "")) for each in self)
        return Suggestions(named, self.known_share)

    def as_dict(self, top: int | None = None) -> dict[str, object]:
        """Returns the best labels, or all of them, for JSON."""
        known = {} if self.known_share is None else {"known_share": self.known_share}
        return {"suggestions": [each.as_dict() for each in self[:top]], **known}
