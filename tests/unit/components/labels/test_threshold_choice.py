"""Which kind of thresholds validation takes, and what a model tells of them."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from components.labels.threshold import tune_label_thresholds, tune_threshold
from components.labels.threshold_choice import (
    LabelThresholds,
    choose_thresholds,
    describe_thresholds,
    half_of_best_f1,
)

LABELS = ["cs.LG", "stat.ML", "größe"]


def different_labels(papers=200):
    """One label's probabilities lie far below the other's: a threshold for both is poor."""
    dice = np.random.default_rng(0)
    truth = dice.random((papers, 2)) < 0.3
    noise = dice.normal(0, 0.05, (papers, 2))
    probabilities = np.where(truth, [0.9, 0.3], [0.6, 0.1]) + noise
    return truth, np.clip(probabilities, 0, 1).astype(np.float32), np.zeros(papers, int)


def pure_noise(papers=60, labels=40):
    """Nothing to learn, and few papers: each label's own threshold fits chance."""
    dice = np.random.default_rng(1)
    truth = dice.random((papers, labels)) < 0.1
    return truth, dice.random((papers, labels)).astype(np.float32), dice.integers(0, 2, papers)


def choose(data, kind, shrinkage=10.0, seed=3):
    return choose_thresholds(*data, tune_threshold(*data), kind, shrinkage, seed)


def test_global_is_one_threshold_for_all():
    chosen = choose_thresholds(*pure_noise(), 0.4, "global", 10.0, 0)
    assert (chosen.kind, chosen.cross_fitted_micro_f1) == ("global", {})
    assert chosen.values.dtype == np.float32
    assert chosen.values.tolist() == [np.float32(0.4)] * 40


def test_half_of_the_best_f1_is_one_threshold_for_all():
    truth, probabilities, unknown = data = pure_noise()
    cut = tune_threshold(*data)
    missed = unknown.sum()
    best = f1_score(
        np.append(truth.ravel(), np.ones(missed, bool)),
        np.append((probabilities >= cut).ravel(), np.zeros(missed, bool)),
    )
    chosen = choose(data, "half_f1")
    assert (chosen.kind, chosen.cross_fitted_micro_f1) == ("half_f1", {})
    assert chosen.threshold == pytest.approx(best / 2, abs=1e-7)
    assert chosen.values.tolist() == [np.float32(chosen.threshold)] * 40


def test_half_of_the_best_f1_is_best_where_probabilities_are_right():
    """Lipton et al.'s theorem, on many papers whose truth is drawn by their probabilities."""
    dice = np.random.default_rng(0)
    probabilities = (dice.random((200_000, 1)) ** 2).astype(np.float32)
    truth = dice.random(probabilities.shape) < probabilities
    data = truth, probabilities, np.zeros(len(truth), int)
    assert choose(data, "half_f1").threshold == pytest.approx(tune_threshold(*data), abs=0.02)


def calibrated(papers=40):
    """Few papers, whose probabilities are right: the best cut is mostly chance."""
    dice = np.random.default_rng(3)
    probabilities = (dice.random((papers, 3)) ** 2).astype(np.float32)
    return dice.random(probabilities.shape) < probabilities, probabilities, np.zeros(papers, int)


def test_auto_takes_half_of_the_best_f1_where_it_suggests_better():
    data = calibrated()
    chosen = choose(data, "auto", shrinkage=0)
    figures = chosen.cross_fitted_micro_f1
    assert figures["half_f1"] > max(figures["global"], figures["per_label"])
    assert chosen.kind == "half_f1"
    assert chosen.values.tolist() == choose(data, "half_f1").values.tolist()


def test_per_label_takes_the_labels_own_without_asking():
    data = pure_noise()
    chosen = choose(data, "per_label")
    own = tune_label_thresholds(*data, tune_threshold(*data), 10.0)
    assert (chosen.kind, chosen.cross_fitted_micro_f1) == ("per_label", {})
    np.testing.assert_array_equal(chosen.values, own)


def test_auto_takes_the_labels_own_where_they_suggest_better():
    data = different_labels()
    chosen = choose(data, "auto")
    assert chosen.kind == "per_label"
    # Tuned on all papers.
    np.testing.assert_array_equal(chosen.values, choose(data, "per_label").values)
    assert chosen.cross_fitted_micro_f1["per_label"] > 0.85
    assert chosen.cross_fitted_micro_f1["global"] < 0.8


def test_auto_keeps_one_for_all_where_the_labels_own_only_fit_chance():
    data = pure_noise()
    own = choose(data, "per_label", shrinkage=0).values
    one = np.float32(tune_threshold(*data))

    def on_the_same_papers(thresholds):
        return f1_score(data[0], data[1] >= thresholds, average="micro", zero_division=0)

    # Where they were tuned they look better.
    assert on_the_same_papers(own) > on_the_same_papers(one) + 0.05
    chosen = choose(data, "auto", shrinkage=0)
    figures = chosen.cross_fitted_micro_f1
    assert figures["per_label"] < figures["global"]
    assert chosen.kind != "per_label"
    assert len(set(chosen.values.tolist())) == 1


def test_a_tie_keeps_one_for_all():
    """Where nothing lies between true and other labels, every kind suggests the same."""
    truth = np.eye(30, 3)[np.arange(30) % 3]
    chosen = choose((truth, (truth * 0.8 + 0.1).astype(np.float32), np.zeros(30, int)), "auto")
    assert set(chosen.cross_fitted_micro_f1.values()) == {1.0}
    assert chosen.kind == "global"


@pytest.mark.parametrize("seed", [0, 7])
def test_cross_fitting_scores_each_paper_by_the_others(seed):
    truth, probabilities, unknown = data = pure_noise(papers=33, labels=5)
    folds = np.random.default_rng(seed).permutation(33) % 5
    assert np.bincount(folds).tolist() == [7, 7, 7, 6, 6]
    kinds = ("global", "half_f1", "per_label")
    suggested = {kind: np.zeros(truth.shape, bool) for kind in kinds}
    for paper in range(33):
        others = folds != folds[paper]
        rest = truth[others], probabilities[others], unknown[others]
        cut = tune_threshold(*rest)
        suggested["global"][paper] = probabilities[paper] >= np.float32(cut)
        half = half_of_best_f1(*rest, cut)
        suggested["half_f1"][paper] = probabilities[paper] >= np.float32(half)
        own = tune_label_thresholds(*rest, cut, 2.0)
        suggested["per_label"][paper] = probabilities[paper] >= own
    found = choose(data, "auto", shrinkage=2.0, seed=seed).cross_fitted_micro_f1
    missed = unknown.sum()
    for kind, cells in suggested.items():
        expected = f1_score(
            np.append(truth.ravel(), np.ones(missed, bool)),
            np.append(cells.ravel(), np.zeros(missed, bool)),
        )
        assert found[kind] == pytest.approx(expected, abs=1e-12)


def test_the_seed_decides_the_folds():
    data = pure_noise()
    once, again, other = (choose(data, "auto", seed=seed) for seed in (3, 3, 4))
    assert once.cross_fitted_micro_f1 == again.cross_fitted_micro_f1
    assert once.cross_fitted_micro_f1 != other.cross_fitted_micro_f1


@pytest.mark.parametrize("papers", [1, 2, 4])
def test_few_papers_are_enough(papers):
    truth = np.eye(papers, 2)
    chosen = choose_thresholds(truth, truth.astype(np.float32), None, 0.5, "auto", 1.0, 0)
    assert chosen.values.shape == (2,)


def test_a_model_tells_of_the_labels_own_thresholds():
    values = np.array([0.1, 0.7, 1 / 3], np.float32)
    figures = {"global": 0.5, "per_label": 0.6}
    described = describe_thresholds(LabelThresholds("per_label", values, 0.4, figures), LABELS)
    assert described["thresholds"] == "per_label"
    assert described["cross_fitted_micro_f1"] == figures
    assert described["label_thresholds"] == dict(zip(LABELS, values.tolist(), strict=True))


def test_a_model_with_one_threshold_lists_none():
    described = describe_thresholds(
        LabelThresholds("global", np.full(3, 0.4, np.float32), 0.4), LABELS
    )
    assert described == {"thresholds": "global"}
