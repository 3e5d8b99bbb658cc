"""Thresholds per label against a search over all choices of cuts, with scikit-learn's F1."""

import itertools

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import f1_score

from components.labels.threshold import tune_label_thresholds, tune_threshold


def reached(truth, probabilities, thresholds, unknown):
    """Micro-F1, unknown labels as true cells that are never suggested."""
    missed = int(unknown.sum())
    suggested = (probabilities >= thresholds).ravel()
    return f1_score(
        np.concatenate([truth.ravel(), np.ones(missed)]).astype(int),
        np.concatenate([suggested, np.zeros(missed)]).astype(int),
        zero_division=0,
    )


def brute_force_best(truth, probabilities, start, unknown):
    """The highest micro-F1 over all choices of cuts; labels without truth stay at the start."""
    choices = [
        [*np.unique(column), np.float32(2.0)] if true.any() else [start]
        for true, column in zip(truth.T, probabilities.T, strict=True)
    ]
    return max(
        reached(truth, probabilities, np.array(cuts, np.float32), unknown)
        for cuts in itertools.product(*choices)
    )


def draw(seed, levels=None, papers=9, labels=3):
    """Noisy probabilities, other ones for each label; the last label may have no truth."""
    dice = np.random.default_rng(seed)
    truth = (dice.random((papers, labels)) < [0.5, 0.3, 0.1][:labels]).astype(np.float32)
    noisy = truth * dice.random(labels) + dice.random((papers, labels)) * dice.random(labels)
    noisy = np.clip(noisy, 0, 1)
    if levels:
        noisy = np.round(noisy * levels) / levels
    return truth, noisy.astype(np.float32), dice.integers(0, 2, papers) * dice.integers(0, 2)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("levels", [2, 5, None])
def test_no_choice_of_cuts_beats_the_labels_own(seed, levels):
    truth, probabilities, unknown = draw(seed, levels)
    start = tune_threshold(truth, probabilities, unknown)
    found = tune_label_thresholds(truth, probabilities, unknown, start, shrinkage=0)
    assert (found.dtype, found.shape) == (np.float32, (3,))
    best = brute_force_best(truth, probabilities, np.float32(start), unknown)
    assert reached(truth, probabilities, found, unknown) == pytest.approx(best, abs=1e-12)
    # A bad start leads there as well.
    far = tune_label_thresholds(truth, probabilities, unknown, 0.99, shrinkage=0)
    best = brute_force_best(truth, probabilities, np.float32(0.99), unknown)
    assert reached(truth, probabilities, far, unknown) == pytest.approx(best, abs=1e-12)


def test_the_draws_tell_the_kinds_apart():
    """Else the comparison above would say little."""
    better = 0
    for seed in range(12):
        truth, probabilities, unknown = draw(seed)
        start = tune_threshold(truth, probabilities, unknown)
        own = tune_label_thresholds(truth, probabilities, unknown, start, 0)
        better += reached(truth, probabilities, own, unknown) > reached(
            truth, probabilities, np.float32(start), unknown
        )
    assert better >= 4


@pytest.mark.parametrize("seed", range(5))
def test_a_label_moves_by_its_share_of_the_way_between_logits(seed):
    truth, probabilities, unknown = draw(seed, papers=40)
    own = tune_label_thresholds(truth, probabilities, unknown, 0.4, 0)
    found = tune_label_thresholds(truth, probabilities, unknown, 0.4, 7.0)
    share = truth.sum(axis=0) / (truth.sum(axis=0) + 7.0)
    expected = expit((1 - share) * logit(0.4) + share * logit(own.astype(np.float64)))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (own != np.float32(0.4)).any()


def test_much_shrinkage_is_the_global_threshold():
    truth, probabilities, unknown = draw(1)
    found = tune_label_thresholds(truth, probabilities, unknown, 0.3, 1e12)
    np.testing.assert_allclose(found, 0.3, rtol=1e-6)


def test_a_label_without_truth_keeps_the_global_threshold_exactly():
    truth = np.array([[1, 0], [0, 0]])
    probabilities = np.array([[0.2, 0.9], [0.6, 0.8]], np.float32)
    for shrinkage in (0, 3.0):
        found = tune_label_thresholds(truth, probabilities, None, 0.35, shrinkage)
        assert found[1] == np.float32(0.35)


def test_a_label_moves_only_where_another_cut_is_better():
    """0.35 suggests the one true paper and no other, as 0.5, the midpoint, would."""
    truth = np.array([[1, 1], [0, 0]])
    probabilities = np.array([[0.8, 0.3], [0.2, 0.1]], np.float32)
    found = tune_label_thresholds(truth, probabilities, None, 0.35, 0)
    assert found[0] == np.float32(0.35)
    assert found[1] == np.float32((np.float64(np.float32(0.3)) + np.float32(0.1)) / 2)


def test_a_hopeless_label_is_never_suggested():
    """A hit under nine misses costs more than it brings: the cut lies over the highest."""
    truth = np.zeros((10, 2), int)
    truth[:, 0] = 1
    truth[9, 1] = 1
    hopeless = np.linspace(0.6, 0.15, 10)
    probabilities = np.stack([np.full(10, 0.9), hopeless], axis=1).astype(np.float32)
    found = tune_label_thresholds(truth, probabilities, None, 0.1, 0)
    assert found.tolist() == [np.float32(0.1), np.float32(0.8)]
    probabilities[0, 1] = 1.0
    assert tune_label_thresholds(truth, probabilities, None, 0.1, 0)[1] > 1.0
    # Shrunk it comes back from there.
    assert 0.1 < tune_label_thresholds(truth, probabilities, None, 0.1, 1.0)[1] < 1.0


def test_of_equally_good_cuts_the_highest_wins():
    # The second label: 1 of 1 and 2 of 3. F stands at 1/2 + ... so that both bring the same.
    truth = np.array([[1, 1], [1, 0], [1, 1], [1, 0]])
    probabilities = np.array([[0.9, 0.8], [0.9, 0.6], [0.1, 0.4], [0.1, 0.2]], np.float32)
    found = tune_label_thresholds(truth, probabilities, None, 0.05, 0)
    values = {
        cut: reached(truth, probabilities, np.array([found[0], cut], np.float32), np.zeros(1))
        for cut in (0.7, 0.3)
    }
    assert found[1] == pytest.approx(max(values, key=lambda cut: (values[cut], cut)), abs=1e-6)


def test_equal_probabilities_are_not_parted():
    truth = np.array([[1], [0], [0], [1]])
    probabilities = np.array([[0.5], [0.5], [0.5], [0.9]], np.float32)
    found = tune_label_thresholds(truth, probabilities, None, 0.99, 0)
    assert found == pytest.approx(0.7)


@pytest.mark.parametrize("high", [np.float32(0.3), np.nextafter(np.float32(0.3), np.float32(1))])
def test_neighbouring_floats_are_told_apart(high):
    """The middle of two is rounded up for the one pair, and down for the next."""
    low = np.nextafter(high, np.float32(0))
    probabilities = np.array([[high], [low]], np.float32)
    (found,) = tune_label_thresholds(np.array([[1], [0]]), probabilities, None, 0.9, 0)
    assert low < found <= high


def test_probability_zero_can_be_suggested():
    probabilities = np.array([[0.0]], np.float32)
    assert tune_label_thresholds(np.array([[1]]), probabilities, None, 0.5, 0).tolist() == [0.0]
    (shrunk,) = tune_label_thresholds(np.array([[1]]), probabilities, None, 0.5, 1.0)
    assert 0 < shrunk < 0.5


def test_unknown_labels_lower_the_bar():
    """What is missed anyway makes a further suggestion cheaper."""
    truth = np.array([[1], [0], [0], [1]])
    probabilities = np.array([[0.9], [0.8], [0.7], [0.6]], np.float32)
    alone = tune_label_thresholds(truth, probabilities, None, 0.95, 0)
    missed = tune_label_thresholds(truth, probabilities, np.array([9, 0, 0, 0]), 0.95, 0)
    assert alone > 0.8
    assert missed < 0.6


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (4, 3)])
def test_without_a_true_label_all_stay(shape):
    truth, probabilities = np.zeros(shape), np.full(shape, 0.9, np.float32)
    for unknown in (None, np.ones(shape[0], int)):
        found = tune_label_thresholds(truth, probabilities, unknown, 0.25, 5.0)
        assert found.dtype == np.float32
        assert found.tolist() == [0.25] * shape[1]


def test_what_cannot_be_tuned_is_refused():
    truth, probabilities = np.ones((2, 2)), np.full((2, 2), 0.5, np.float32)
    with pytest.raises(ValueError, match="shrinkage must be at least 0"):
        tune_label_thresholds(truth, probabilities, None, 0.5, -1.0)
    with pytest.raises(ValueError, match="NaN"):
        tune_label_thresholds(truth, probabilities * np.nan, None, 0.5, 1.0)
    with pytest.raises(ValueError, match="labels"):
        tune_label_thresholds(truth[:1], probabilities, None, 0.5, 1.0)
