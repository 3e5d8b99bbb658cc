"""The gate through TFX's Evaluator: figures, blessing and refusals of tiny models."""

from __future__ import annotations

import random

import numpy as np
import pytest

from components.evaluator.results import Refusal, read_figures, read_refusals
from components.evaluator.settings import GateSettings
from schema.errors import BadInputError
from tests.unit.evaluator.evaluations import Answers, Evaluation
from tests.unit.evaluator.splits import scikit_learn_figures

PAPERS = 40
# The two vocabularies differ in size and order, and overlap.
NEW_LABELS = ["cs.LG", "cs.CV", "stat.ML", "68T45", "größe", "cs.AI", "I.2.6; I.2.10"]
OLD_LABELS = ["cs.CV", "cs.LG", "math.OC", "cs.AI"]
ABOVE = 1e-9


def draw_terms() -> list[list[str]]:
    dice = random.Random(5)
    everything = [*NEW_LABELS, "math.OC", "new.ONE"]
    return [dice.sample(everything, dice.randint(1, 4)) for _ in range(PAPERS)]


def answers(feature: str, vocabulary: list[str], seed: int) -> Answers:
    scores = np.random.default_rng(seed).random((PAPERS, len(vocabulary))).astype(np.float32)
    return Answers(feature, vocabulary, scores, threshold=0.6)


TERMS = draw_terms()
NEW = answers("new_model", NEW_LABELS, seed=1)
OLD = answers("old_model", OLD_LABELS, seed=4)
NEW_FIGURES = scikit_learn_figures(NEW.split(TERMS))
OLD_FIGURES = scikit_learn_figures(OLD.split(TERMS))
CHANGES = {name: NEW_FIGURES[name] - OLD_FIGURES[name] for name in NEW_FIGURES}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A first model under a gate with floors met, met exactly and missed."""
    gate = GateSettings(
        floors={
            "micro_f1": NEW_FIGURES["micro_f1"],
            "binary_accuracy": NEW_FIGURES["binary_accuracy"] - 0.1,
            "lrap": NEW_FIGURES["lrap"] + ABOVE,
            "precision@1": 0.9,
        },
        # No model can be compared yet: these say nothing.
        max_drop={"micro_f1": -1.0, "lrap": -1.0},
        min_examples=PAPERS,
    )
    return Evaluation(tmp_path_factory.mktemp("alone"), TERMS, gate, NEW)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A model against one with other labels: better, and worse by just more than allowed."""
    gate = GateSettings(
        floors={"micro_f1": NEW_FIGURES["micro_f1"]},
        max_drop={
            "micro_f1": 0.0,
            "binary_accuracy": -CHANGES["binary_accuracy"] + ABOVE,
            "lrap": -CHANGES["lrap"] - ABOVE,
            "precision@1": 0.0,
        },
    )
    return Evaluation(tmp_path_factory.mktemp("compared"), TERMS, gate, NEW, OLD)


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    """A model against itself, where nothing may fall."""
    names = ("micro_f1", "lrap", "precision@1", "binary_accuracy")
    gate = GateSettings(max_drop=dict.fromkeys(names, 0.0))
    return Evaluation(tmp_path_factory.mktemp("repeated"), TERMS, gate, NEW, NEW)


def assert_figures(evaluation: Evaluation) -> None:
    found = read_figures(evaluation.uri)
    assert found.keys() == NEW_FIGURES.keys()
    for name, value in NEW_FIGURES.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


def test_the_cases_are_what_they_are_meant_to_be():
    split = NEW.split(TERMS)
    assert split.unknown.max() >= 2
    assert (split.unknown != OLD.split(TERMS).unknown).any()
    assert CHANGES["micro_f1"] > 0.01
    assert CHANGES["lrap"] < -0.01
    assert CHANGES["precision@1"] < -0.01


def test_figures_of_a_first_model_equal_scikit_learn(alone):
    assert_figures(alone)


def test_figures_are_the_candidates_not_the_baselines(compared):
    assert_figures(compared)


def test_floors_missed_are_named_with_their_numbers(alone):
    assert not alone.blessed
    lrap, precision = sorted(read_refusals(alone.uri), key=lambda each: each.metric)
    assert lrap == Refusal(
        "lrap",
        pytest.approx(NEW_FIGURES["lrap"], abs=1e-12),
        NEW_FIGURES["lrap"] + ABOVE,
        is_change=False,
    )
    assert precision == Refusal(
        "precision@1", pytest.approx(NEW_FIGURES["precision@1"], abs=1e-12), 0.9, is_change=False
    )


def test_drops_beyond_the_allowed_are_named_with_their_numbers(compared):
    assert not compared.blessed
    lrap, precision = sorted(read_refusals(compared.uri), key=lambda each: each.metric)
    assert lrap == Refusal(
        "lrap", pytest.approx(CHANGES["lrap"], abs=1e-12), CHANGES["lrap"] + ABOVE, is_change=True
    )
    assert precision == Refusal(
        "precision@1", pytest.approx(CHANGES["precision@1"], abs=1e-12), 0.0, is_change=True
    )


def test_a_tie_passes_where_nothing_may_fall(repeated):
    assert repeated.blessed
    assert read_refusals(repeated.uri) == []


def test_no_test_example_is_no_blessing(tmp_path):
    evaluation = Evaluation(tmp_path, [], GateSettings(), NEW)
    assert not evaluation.blessed
    assert read_refusals(evaluation.uri) == [Refusal("examples", 0.0, 1.0, is_change=False)]
    with pytest.raises(BadInputError, match="test split is empty"):
        read_figures(evaluation.uri)
