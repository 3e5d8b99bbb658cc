"""The tuned threshold against a brute-force search with scikit-learn's F1."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from components.labels.thresholds import half_of_best_f1, tune_threshold
from components.metrics.classification import count_labels, micro_f1


def brute_force_best(truth, probabilities, unknown):
    """Highest micro-F1 over every cut, unknown labels as true cells that are never suggested."""
    cells = np.concatenate([truth.ravel(), np.ones(int(unknown.sum()))]).astype(int)
    best = 0.0
    for cut in np.unique(probabilities):
        suggested = np.concatenate([(probabilities >= cut).ravel(), np.zeros(int(unknown.sum()))])
        best = max(best, f1_score(cells, suggested, zero_division=0))
    return best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [3, 12, None])
def test_no_cut_beats_the_tuned_one(seed, levels):
    rng = np.random.default_rng(seed)
    truth = (rng.random((12, 5)) < 0.3).astype(np.float32)
    noisy = np.clip(truth * 0.4 + rng.random((12, 5)) * 0.6, 0, 1)
    if levels:
        noisy = np.round(noisy * levels) / levels
    probabilities = noisy.astype(np.float32)
    unknown = rng.integers(0, 2, 12)
    threshold = tune_threshold(truth, probabilities, unknown)
    reached = micro_f1(count_labels(truth, probabilities, threshold, unknown))
    assert reached == pytest.approx(brute_force_best(truth, probabilities, unknown), abs=1e-12)
    assert threshold == float(np.float32(threshold))


def test_the_threshold_is_the_midpoint_of_the_gap():
    truth = np.array([[1, 0, 0]])
    probabilities = np.array([[0.75, 0.25, 0.125]], dtype=np.float32)
    assert tune_threshold(truth, probabilities) == 0.5


def test_below_the_lowest_probability_the_gap_ends_at_zero():
    assert tune_threshold(np.array([[1, 1]]), np.array([[0.75, 0.25]], dtype=np.float32)) == 0.125


def test_ties_go_to_the_highest_cut():
    # After 1 of 1 suggestions and after 2 of 4: both 2tp / (suggested + true) = 2/3.
    truth = np.array([[1, 0, 0, 1]])
    probabilities = np.array([[0.9, 0.7, 0.5, 0.3]], dtype=np.float32)
    threshold = tune_threshold(truth, probabilities)
    assert 0.7 < threshold < 0.9


def test_adjacent_floats_are_told_apart():
    high = np.float32(0.3)
    low = np.nextafter(high, np.float32(0))
    threshold = tune_threshold(np.array([[1, 0]]), np.array([[high, low]], dtype=np.float32))
    assert low < np.float32(threshold) <= high


def test_unknown_labels_move_the_best_cut():
    # Alone, 1 of 2 is as good as it gets; with five more missed labels recall is worth more.
    truth = np.array([[1, 0, 0, 1, 0]])
    probabilities = np.array([[0.9, 0.8, 0.7, 0.6, 0.5]], dtype=np.float32)
    alone = tune_threshold(truth, probabilities)
    missed = tune_threshold(truth, probabilities, np.array([5]))
    assert alone > 0.8
    assert 0.5 < missed < 0.6


@pytest.mark.parametrize("truth", [np.zeros((3, 2)), np.zeros((0, 2))])
def test_without_true_labels_the_threshold_is_0_5(truth):
    assert tune_threshold(truth, np.full(truth.shape, 0.2, np.float32)) == 0.5


def test_probability_zero_can_be_suggested():
    assert tune_threshold(np.array([[1]]), np.array([[0.0]], dtype=np.float32)) == 0.0


def test_half_of_the_best_f1_is_the_best_cut_if_probabilities_are_calibrated():
    """Lipton et al.'s theorem, on many papers whose labels are drawn by their probabilities."""
    dice = np.random.default_rng(0)
    probabilities = (dice.random((100_000, 1)) ** 2).astype(np.float32)
    truth = dice.random(probabilities.shape) < probabilities
    cut = tune_threshold(truth, probabilities)
    half = half_of_best_f1(micro_f1(count_labels(truth, probabilities, cut)))
    assert half == pytest.approx(cut, abs=0.02)
    assert half == float(np.float32(half))
