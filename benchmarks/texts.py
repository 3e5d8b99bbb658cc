"""Invented abstracts of the usual length, from the project's own generator."""

from __future__ import annotations

from itertools import islice

from pipeline.sample.generator import generate


def abstracts(count: int) -> list[str]:
    """Returns this many abstracts, always the same."""
    return [row.summaries for row in islice(generate(count, seed=7), count)]
