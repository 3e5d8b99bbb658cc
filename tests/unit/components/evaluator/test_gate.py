"""The gate through TFX's Evaluator on tiny models: blessings, refusals, and their rows."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from components.evaluator.gate import GateRow, read_gate
from components.evaluator.results import read_figures, read_labels, read_slices
from components.evaluator.settings import GateSettings
from components.metrics.names import ComparedMetric
from schema.errors import BadInputError, UsageError
from tests.support.evaluations import Answers, Evaluation
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


def row(metric, candidate, baseline, bound, is_change, passed, papers=PAPERS, left_out=0):
    return GateRow(
        metric, near(candidate), near(baseline), bound, is_change, passed, papers, left_out
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
        max_drop={"micro_f1": -1.0, "lrap": -1.0},
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
            "binary_accuracy": -CHANGES["binary_accuracy"] + ABOVE,
            "lrap": -CHANGES["lrap"] - ABOVE,
            "precision@1": 0.0,
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
    on_all = [
        row(name, NEW_FIGURES[name], None, bound, False, passed)
        for name, (bound, passed) in floors.items()
    ]
    size, none = len(PAIRS), {"slice": "archive: maths"}
    on_pairs = [
        row("examples", size, None, size, False, True, size),
        row("extra", PAIRED["extra"], None, PAIRED["extra"] - ABOVE, False, False, size),
        row("micro_f1", PAIRED["micro_f1"], None, PAIRED["micro_f1"], False, True, size),
    ]
    ceilings = ("ece_suggested", "missed", "extra")
    assert read_gate(alone.uri) == [
        row("examples", PAPERS, None, size, False, True),
        *(replace(each, is_ceiling=each.metric in ceilings) for each in on_all),
        replace(row("examples", 0, None, size, False, False, 0), **none),
        *(
            replace(each, is_ceiling=each.metric in ceilings, slice="number_of_labels: 2")
            for each in on_pairs
        ),
    ]


def test_a_slice_without_papers_alone_refuses(tmp_path):
    gate = GateSettings(slice_floors={"archive": {"maths": {"lrap": 0.0}}})
    assert not Evaluation(tmp_path, TERMS, gate, NEW).blessed


def test_a_later_model_is_compared_as_well(compared):
    assert not compared.blessed
    drops = {
        "binary_accuracy": (CHANGES["binary_accuracy"] - ABOVE, True),
        "lrap": (CHANGES["lrap"] + ABOVE, False),
        "micro_f1": (0.0, True),
        "precision@1": (0.0, False),
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


def certain(feature: str, vocabulary: list[str], right: list[bool], **more) -> Answers:
    """A model that is sure of a paper's labels where it is right, and of the others elsewhere."""
    truth = np.array([[label in terms for label in vocabulary] for terms in TERMS])
    sure = truth == np.array(right)[:, None]
    scores = np.where(sure, 0.875, 0.125).astype(np.float32)
    return Answers(feature, vocabulary, scores, 0.5, **more)


def grown_file() -> tuple[Answers, Answers]:
    """The last model knows half of the test papers by heart, and not the candidate's new label.

    On all of them it is the better one; on those that are new to both it isn't.
    """
    half = PAPERS // 2
    by_heart = [number < half for number in range(PAPERS)]
    labels = [*NEW_LABELS, "new.ONE"]
    candidate = certain("new_model", labels, [n >= half and n % 3 == 0 for n in range(PAPERS)])
    candidate = replace(candidate, abstract_only=candidate.probabilities)
    # The last one is not a test paper.
    last = certain("old_model", NEW_LABELS, by_heart, trained_on=[*range(half), PAPERS])
    for name in GATED:
        everywhere = [scikit_learn_figures(each.split(TERMS))[name] for each in (candidate, last)]
        assert everywhere[0] < everywhere[1], name
    return candidate, last


@pytest.mark.parametrize("titled", [True, False])
def test_papers_that_the_last_model_was_trained_on_are_left_out(tmp_path, titled):
    candidate, last = grown_file()
    half = PAPERS // 2
    passed = Evaluation(tmp_path, TERMS, nothing_may_fall(), candidate, last, titled=titled)
    assert passed.blessed
    new = range(half, PAPERS)
    expected = [scikit_learn_figures(each.split(TERMS, new)) for each in (candidate, last)]
    assert read_gate(passed.uri)[1:] == [
        row("compared_examples", half, None, 1.0, False, True, half, half),
        *(
            row(name, expected[0][name], expected[1][name], 0.0, True, True, half, half)
            for name in sorted(GATED)
        ),
    ]


def test_without_kept_keys_no_paper_is_left_out(tmp_path):
    candidate, last = grown_file()
    last = replace(last, trained_on=None)
    refused = Evaluation(tmp_path, TERMS, nothing_may_fall(), candidate, last)
    assert not refused.blessed
    assert {each.left_out for each in read_gate(refused.uri)} == {0}


def test_without_a_paper_to_compare_on_it_is_refused(tmp_path):
    last = replace(OLD, trained_on=range(PAPERS))
    gate = GateSettings(floors={"lrap": 0.0}, max_drop={"lrap": 1.0}, min_examples=3)
    evaluation = Evaluation(tmp_path, TERMS, gate, NEW, last)
    assert not evaluation.blessed
    assert read_gate(evaluation.uri) == [
        row("examples", PAPERS, None, 3.0, False, True),
        row("lrap", NEW_FIGURES["lrap"], OLD_FIGURES["lrap"], 0.0, False, True),
        row("compared_examples", 0, None, 3.0, False, False, 0, PAPERS),
    ]
    # The figures are there all the same.
    assert_figures(evaluation)


def test_a_vanished_label_counts_as_missed(tmp_path):
    """The candidate answers as the last model does, but no longer knows one of its labels."""
    last = certain("old_model", NEW_LABELS, [True] * PAPERS, trained_on=[])
    fewer = NEW_LABELS[1:]
    candidate = Answers(
        "new_model", fewer, last.probabilities[:, 1:], 0.5, last.probabilities[:, 1:]
    )
    lost = sum("cs.LG" in terms for terms in TERMS)
    assert lost
    evaluation = Evaluation(tmp_path, TERMS, nothing_may_fall(), candidate, last)
    assert not evaluation.blessed
    failed = {each.metric for each in read_gate(evaluation.uri) if not each.passed}
    assert {"micro_f1", "lrap"} <= failed
    old = scikit_learn_figures(last.split(TERMS))
    new = scikit_learn_figures(candidate.split(TERMS))
    for each in read_gate(evaluation.uri):
        if each.is_change:
            assert (each.candidate, each.baseline) == (
                near(new[each.metric]),
                near(old[each.metric]),
            )


def test_no_test_example_is_no_blessing(tmp_path):
    evaluation = Evaluation(tmp_path, [], nothing_may_fall(min_examples=2), NEW, OLD)
    assert not evaluation.blessed
    assert read_gate(evaluation.uri) == [row("examples", 0, None, 2.0, False, False, 0)]
    assert read_slices(evaluation.uri) == []
    for read in (read_figures, read_labels):
        with pytest.raises(BadInputError, match="test split is empty"):
            read(evaluation.uri)
