"""The gate through TFX's Evaluator on tiny models: blessings, refusals, and their rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.evaluator.gate import read_gate
from components.evaluator.results import read_figures, read_labels, read_slices
from components.evaluator.settings import GateSettings
from schema.errors import BadInputError, UsageError
from tests.support.evaluations import Evaluation
from tests.support.evaluator_splits import scikit_learn_figures
from tests.support.gate_cases import (
    ABOVE,
    CHANGES,
    NEW,
    NEW_FIGURES,
    OLD,
    OLD_FIGURES,
    PAIRED,
    PAIRS,
    PAPERS,
    TERMS,
    near,
    nothing_may_fall,
    row,
)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A first model under a gate with floors met, met exactly and missed."""
    gate = GateSettings(
        floors={
            "micro_f1": NEW_FIGURES["micro_f1"],
            "binary_accuracy": NEW_FIGURES["binary_accuracy"] - 0.1,
            "lrap": NEW_FIGURES["lrap"] + ABOVE,
            "precision@1": 0.9,
            "macro_f1": NEW_FIGURES["macro_f1"],
        },
        ceilings={
            "ece_suggested": NEW_FIGURES["ece_suggested"],
            "missed": NEW_FIGURES["missed"] - ABOVE,
        },
        slice_floors={
            "number_of_labels": {"2": {"micro_f1": PAIRED["micro_f1"]}},
            "archive": {"maths": {"lrap": 0.0}},
        },
        slice_ceilings={"number_of_labels": {"2": {"extra": PAIRED["extra"] - ABOVE}}},
        # There is no model to compare with yet.
        max_drop={"micro_f1": 0.0, "lrap": 0.0},
        min_examples=len(PAIRS),
    )
    return Evaluation(tmp_path_factory.mktemp("alone"), TERMS, gate, NEW)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A model against one with other labels: better, and worse by just more than allowed."""
    gate = GateSettings(
        floors={"micro_f1": NEW_FIGURES["micro_f1"]},
        max_drop={
            "micro_f1": 0.0,
            "binary_accuracy": 0.0,
            "lrap": -CHANGES["lrap"] - ABOVE,
            "precision@1": -CHANGES["precision@1"] + ABOVE,
        },
    )
    return Evaluation(tmp_path_factory.mktemp("compared"), TERMS, gate, NEW, OLD)


@pytest.mark.parametrize(("best", "max_drop", "passed"), [(0.0, 0.0, True), (0.0101, 0.01, False)])
def test_the_best_baseline_is_a_bound_beside_the_others(tmp_path, best, max_drop, passed):
    value = NEW_FIGURES["micro_f1"]
    baselines = {
        "frequent": {"micro_f1": value - 0.2, "lrap": 1.0},
        "linear_svc": {"micro_f1": value + best, "lrap": 0.0},
    }
    gate = GateSettings(
        floors={"micro_f1": value - 0.1},
        max_drop={"micro_f1": 0.0},
        max_drop_from_baseline={"micro_f1": max_drop},
        slice_ceilings={"archive": {"cs": {"ece": 1.0}}},
    )
    evaluation = Evaluation(tmp_path, TERMS, gate, NEW, OLD, baselines=baselines)
    assert evaluation.blessed is passed
    old = OLD_FIGURES["micro_f1"]
    _, floor, held, *_ = read_gate(evaluation.uri)
    assert floor == row("micro_f1", value, old, value - 0.1, False, True)
    bound = near(value + best - max_drop)
    expected = row("micro_f1", value, old, bound, False, passed)
    assert held == replace(expected, best_baseline="linear_svc", max_drop=max_drop)
    assert [each.is_floor for each in (floor, held)] == [True, False]


def test_a_bound_by_baselines_needs_one(tmp_path):
    gate = GateSettings(max_drop_from_baseline={"lrap": 0.0})
    for number, baselines in enumerate(({}, None)):
        with pytest.raises(UsageError, match=r"Enable one, or set gate.max_drop_from_baseline={}"):
            Evaluation(tmp_path / str(number), TERMS, gate, NEW, baselines=baselines)


def assert_figures(evaluation: Evaluation) -> None:
    found = read_figures(evaluation.uri)
    split = NEW.split(TERMS)
    parts = {
        "abstract_only": NEW.abstract_only_split(TERMS),
        "vocabulary_only": replace(split, unknown=np.zeros_like(split.unknown)),
    }
    expected = NEW_FIGURES | {
        f"{prefix}/{name}": scikit_learn_figures(part)[name]
        for prefix, part in parts.items()
        for name in ("micro_f1", "macro_f1", "precision@1", "ndcg@5", "lrap")
    }
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


def test_the_cases_are_what_they_are_meant_to_be():
    split = NEW.split(TERMS)
    assert split.unknown.max() >= 2
    assert (split.unknown != OLD.split(TERMS).unknown).any()
    assert CHANGES["micro_f1"] > 0.01
    assert CHANGES["lrap"] < -0.01
    assert CHANGES["precision@1"] < -0.01


def test_metrics_are_the_candidates_and_equal_scikit_learn(alone, compared):
    assert_figures(alone)
    assert_figures(compared)


def test_a_first_model_has_floors_alone(alone):
    assert not alone.blessed
    floors = {
        "binary_accuracy": (NEW_FIGURES["binary_accuracy"] - 0.1, True),
        "ece_suggested": (NEW_FIGURES["ece_suggested"], True),
        "lrap": (NEW_FIGURES["lrap"] + ABOVE, False),
        "macro_f1": (NEW_FIGURES["macro_f1"], True),
        "micro_f1": (NEW_FIGURES["micro_f1"], True),
        "missed": (NEW_FIGURES["missed"] - ABOVE, False),
        "precision@1": (0.9, False),
    }
    size = len(PAIRS)
    pairs = {"papers": size, "slice": "number_of_labels: 2"}
    ceilings = ("ece_suggested", "missed")
    assert read_gate(alone.uri) == [
        row("examples", PAPERS, None, size, False, True),
        *(
            row(name, NEW_FIGURES[name], None, bound, False, passed, is_ceiling=name in ceilings)
            for name, (bound, passed) in floors.items()
        ),
        row(
            "examples", 0, None, size, False, False, 0, slice="archive: maths",
            known_slices=("cs", "other", "stat"),
        ),
        row("examples", size, None, size, False, True, **pairs),
        row(
            "extra", PAIRED["extra"], None, PAIRED["extra"] - ABOVE, False, False,
            is_ceiling=True, **pairs,
        ),
        row("micro_f1", PAIRED["micro_f1"], None, PAIRED["micro_f1"], False, True, **pairs),
    ]  # fmt: skip


def test_a_slice_without_papers_alone_refuses(tmp_path):
    gate = GateSettings(slice_floors={"archive": {"maths": {"lrap": 0.0}}})
    assert not Evaluation(tmp_path, TERMS, gate, NEW).blessed


def test_a_later_model_is_compared_as_well(compared):
    assert not compared.blessed
    drops = {
        "binary_accuracy": (0.0, True),
        "lrap": (CHANGES["lrap"] + ABOVE, False),
        "micro_f1": (0.0, True),
        "precision@1": (CHANGES["precision@1"] - ABOVE, True),
    }
    assert read_gate(compared.uri) == [
        row("examples", PAPERS, None, 1.0, False, True),
        row(
            "micro_f1", NEW_FIGURES["micro_f1"], OLD_FIGURES["micro_f1"],
            NEW_FIGURES["micro_f1"], False, True,
        ),
        row("compared_examples", PAPERS, None, 1.0, False, True),
        *(
            row(name, NEW_FIGURES[name], OLD_FIGURES[name], bound, True, passed)
            for name, (bound, passed) in drops.items()
        ),
    ]  # fmt: skip


def test_without_a_paper_to_compare_on_it_is_refused(tmp_path):
    last = replace(OLD, trained_on=range(PAPERS))
    gate = GateSettings(floors={"lrap": 0.0}, max_drop={"lrap": 1.0}, min_examples=3)
    evaluation = Evaluation(tmp_path, TERMS, gate, NEW, last)
    assert not evaluation.blessed
    assert read_gate(evaluation.uri) == [
        row("examples", PAPERS, None, 3.0, False, True, PAPERS, PAPERS),
        row("lrap", NEW_FIGURES["lrap"], None, 0.0, False, True, PAPERS, PAPERS),
        row("compared_examples", 0, None, 3.0, False, False, 0, PAPERS),
    ]
    # The figures are there all the same.
    assert_figures(evaluation)


def test_no_test_example_is_no_blessing(tmp_path):
    evaluation = Evaluation(tmp_path, [], nothing_may_fall(min_examples=2), NEW, OLD)
    assert not evaluation.blessed
    assert read_gate(evaluation.uri) == [row("examples", 0, None, 2.0, False, False, 0)]
    assert read_slices(evaluation.uri) == []
    for read in (read_figures, read_labels):
        with pytest.raises(BadInputError, match="test split is empty"):
            read(evaluation.uri)
