"""Writes one paper: a title and an abstract that fit its labels."""

from __future__ import annotations

from typing import Final

from pipeline.sample.dice import Dice
from pipeline.sample.grammar import fill, in_title_case
from pipeline.sample.label_sets import TOPIC_OF_LABEL, LabelSet, neighbours
from pipeline.sample.templates import KINDS
from pipeline.sample.topic import Topic, phrases
from pipeline.sample.topics_learning import LEARNING_TOPICS
from pipeline.sample.topics_science import SCIENCE_TOPICS
from pipeline.sample.topics_systems import SYSTEM_TOPICS

_TOPICS: Final[dict[str, Topic]] = {
    topic.name: topic for topic in (*LEARNING_TOPICS, *SYSTEM_TOPICS, *SCIENCE_TOPICS)
}

_THEORETICAL: Final = frozenset(
    {"theory", "optimization", "numerics", "information", "algorithms", "games"}
)
_OBSERVING: Final = frozenset({"interaction", "social", "applied statistics", "methodology"})
_KIND_WEIGHTS: Final = {"method": 0.52, "theory": 0.12, "study": 0.20, "survey": 0.06}

# How the phrases of a paper spread over its topics.
_FIRST_WEIGHT: Final = 1.0
_FURTHER_WEIGHT: Final = 0.55
_NEIGHBOUR_WEIGHT: Final = 0.5
# How often labels and text disagree: the text owes something to a topic that its authors
# didn't name, or nothing to a label they named, or little to the label they put first.
_UNNAMED_TOPIC: Final = 0.5
_UNUSED_LABEL: Final = 0.3
_FAINT_FIRST: Final = 0.08
_FAINT_WEIGHT: Final = 0.25

_OWN_SLOTS: Final = {
    "subject": "subjects",
    "aim": "aims",
    "method": "methods",
    "material": "materials",
    "measure": "measures",
    "obstacle": "obstacles",
}
_FRESH_SLOTS: Final = {
    "field": "subjects",
    "tool": "methods",
    "setting": "materials",
    "score": "measures",
    "trouble": "obstacles",
}

_NAME_STARTS: Final = phrases(
    """Ar; Bel; Cor; Dra; El; Fen; Gal; Hel; Iri; Jun; Kel; Lum; Mar; Nov; Or; Pel; Quo; Ros; Sil;
    Tar; Um; Ver; Wil; Zen"""
)
_NAME_MIDDLES: Final = phrases("a; e; i; o; ba; di; go; la; mi; no; ra; ri; ta; to; va")
_NAME_ENDS: Final = phrases("Net; Flow; Former; Map; Graph; X; -2; ra; dis; nix; lo; mer; sa; ven")
_NUMBERS: Final = ("two", "three", "four", "five", "six")
_MAX_TRIES: Final = 12


def write_paper(labels: LabelSet, dice: Dice) -> tuple[str, str]:
    """Writes the title and the abstract of a paper.

    Args:
        labels: Its labels, the primary one first.
        dice: Where every choice comes from.

    Returns:
        The title, on one line, and the abstract's sentences, on one line too.
    """
    writer = _Writer(labels, dice)
    kind = KINDS[_kind_of(TOPIC_OF_LABEL[labels[0]], dice)]
    title = fill(dice.pick(kind.titles), writer.phrase_for)
    if dice.chance(0.6):
        title = in_title_case(title)
    sentences: list[str] = []
    for place, move in enumerate(kind.moves):
        fresh = [template for template in move if not template or template not in sentences]
        times = dice.between(1, 8) if place == kind.body else 1
        sentences += dice.shuffled(fresh)[:times]
    return title, " ".join(fill(text, writer.phrase_for) for text in sentences if text)


def _kind_of(topic: str, dice: Dice) -> str:
    weights = dict(_KIND_WEIGHTS)
    if topic in _THEORETICAL:
        weights["theory"] += 0.6
    if topic in _OBSERVING:
        weights["study"] += 0.3
    weights["resource"] = 0.1
    return dice.weighted(tuple(weights), tuple(weights.values()))


class _Writer:
    """Draws the phrases of one paper and remembers those it keeps to."""

    def __init__(self, labels: LabelSet, dice: Dice) -> None:
        self._dice = dice
        self._kept: dict[str, str] = {}
        self._recent: list[str] = []
        names, weights = _mixture(labels, dice)
        self._topics = [_TOPICS[name] for name in names]
        self._weights = weights

    def phrase_for(self, slot: str) -> str:
        """The phrase for a slot of a template."""
        if slot in _FRESH_SLOTS:
            return self._draw(_FRESH_SLOTS[slot])
        if slot in _OWN_SLOTS or slot == "name":
            if slot not in self._kept:
                drawn = self._name() if slot == "name" else self._draw(_OWN_SLOTS[slot])
                self._kept[slot] = drawn
            return self._kept[slot]
        return self._number(slot)

    def _draw(self, kind: str) -> str:
        """A phrase that the paper didn't use lately, where there is one."""
        for _ in range(_MAX_TRIES):
            topic = self._dice.weighted(self._topics, self._weights)
            phrase: str = self._dice.pick(getattr(topic, kind))
            if phrase not in self._recent:
                break
        self._recent.append(phrase)
        return phrase

    def _name(self) -> str:
        dice = self._dice
        return dice.pick(_NAME_STARTS) + dice.pick(_NAME_MIDDLES) + dice.pick(_NAME_ENDS)

    def _number(self, slot: str) -> str:
        dice = self._dice
        if slot == "gain":
            return f"{dice.between(1, 9)}.{dice.between(1, 9)}"
        if slot == "percent":
            return str(dice.between(11, 64))
        if slot == "count":
            return str(dice.between(3, 19))
        if slot == "many":
            return f"{dice.between(2, 96)},{dice.between(1, 9)}00"
        if slot == "few":
            return dice.pick(_NUMBERS)
        raise KeyError(slot)


def _mixture(labels: LabelSet, dice: Dice) -> tuple[list[str], list[float]]:
    """The topics that the text draws from and their weights, in a fixed order."""
    weights: dict[str, float] = {}
    for place, label in enumerate(labels):
        if place and dice.chance(_UNUSED_LABEL):
            continue
        topic = TOPIC_OF_LABEL[label]
        weight = _FURTHER_WEIGHT if place else _FIRST_WEIGHT
        weights[topic] = max(weights.get(topic, 0.0), weight)
    if dice.chance(_FAINT_FIRST):
        weights[TOPIC_OF_LABEL[labels[0]]] = _FAINT_WEIGHT
    near = neighbours(labels[0])
    if near and dice.chance(_UNNAMED_TOPIC):
        weights.setdefault(dice.pick(near), _NEIGHBOUR_WEIGHT)
    return list(weights), list(weights.values())
