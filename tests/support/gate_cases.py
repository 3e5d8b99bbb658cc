"""A candidate and a last model for tests of the gate, and how its rows are expected."""

from __future__ import annotations

import random
from typing import get_args

import numpy as np
import pytest

from components.evaluator.gate import GateRow
from components.evaluator.settings import GateSettings
from components.metrics.names import ComparedMetric
from tests.support.evaluations import Answers
from tests.support.evaluator_splits import on_grid, scikit_learn_figures

PAPERS = 40
# The two vocabularies differ in size and order, and overlap.
NEW_LABELS = ["cs.LG", "cs.CV", "stat.ML", "68T45", "größe", "cs.AI", "I.2.6; I.2.10"]
OLD_LABELS = ["cs.CV", "cs.LG", "math.OC", "cs.AI"]
ABOVE = 1e-9
GATED = get_args(ComparedMetric)


def draw_terms() -> list[list[str]]:
    dice = random.Random(5)
    everything = [*NEW_LABELS, "math.OC", "new.ONE"]
    return [dice.sample(everything, dice.randint(1, 4)) for _ in range(PAPERS)]


def draw_scores(labels: int, seed: int) -> np.ndarray:
    return on_grid(np.random.default_rng(seed).random((PAPERS, labels)))


TERMS = draw_terms()
NEW = Answers(
    "new_model", NEW_LABELS, draw_scores(7, seed=1), 0.6, abstract_only=draw_scores(7, seed=2)
)
# A model pushed by an older version: no output for the abstract alone, no titles kept.
OLD = Answers("old_model", OLD_LABELS, draw_scores(4, seed=4), threshold=0.6)
NEW_FIGURES = scikit_learn_figures(NEW.split(TERMS))
OLD_FIGURES = scikit_learn_figures(OLD.split(TERMS))
CHANGES = {name: NEW_FIGURES[name] - OLD_FIGURES[name] for name in NEW_FIGURES}
# The papers with two labels.
PAIRS = [row for row, terms in enumerate(TERMS) if len(terms) == 2]
PAIRED = scikit_learn_figures(NEW.split(TERMS, PAIRS))


def nothing_may_fall(**settings) -> GateSettings:
    return GateSettings(max_drop=dict.fromkeys(GATED, 0.0), **settings)


def near(value: float | None):
    return None if value is None else pytest.approx(value, abs=1e-12)


def row(metric, candidate, baseline, bound, is_change, passed, papers=PAPERS, *left_out, **more):
    values = near(candidate), near(baseline), bound
    return GateRow(metric, *values, is_change, passed, papers, *left_out, **more)
