"""What a topic of the sample is: the phrases that its papers are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """The phrases of one subject area.

    Attributes:
        name: What the label sets call it.
        subjects: What is studied; singular or mass noun phrases without an article.
        aims: What is wanted; verb phrases in the base form.
        methods: What is used; singular count nouns without an article.
        materials: What it is tried on; plural noun phrases.
        measures: What is measured; singular or mass noun phrases.
        obstacles: What is in the way; noun phrases of any number, so only templates that put
            a preposition before them may use them.
    """

    name: str
    subjects: tuple[str, ...]
    aims: tuple[str, ...]
    methods: tuple[str, ...]
    materials: tuple[str, ...]
    measures: tuple[str, ...]
    obstacles: tuple[str, ...]


def make_topic(
    name: str,
    *,
    subjects: str,
    aims: str,
    methods: str,
    materials: str,
    measures: str,
    obstacles: str,
) -> Topic:
    """Builds a topic from lists of phrases that are separated by semicolons."""
    return Topic(
        name=name,
        subjects=phrases(subjects),
        aims=phrases(aims),
        methods=phrases(methods),
        materials=phrases(materials),
        measures=phrases(measures),
        obstacles=phrases(obstacles),
    )


def phrases(text: str) -> tuple[str, ...]:
    """The phrases of a list that is separated by semicolons, white space put in order."""
    return tuple(" ".join(part.split()) for part in text.split(";"))
