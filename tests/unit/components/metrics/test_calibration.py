"""Calibration bins against scikit-learn's calibration_curve."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

from components.metrics.calibration import (
    bins_from,
    count_pairs,
    expected_calibration_error,
    likely_pairs,
)


def reliability(*scored):
    return bins_from(count_pairs(*scored))


def make(seed, papers=60, labels=5):
    rng = np.random.default_rng(seed)
    probabilities = rng.random((papers, labels)) ** 3
    truth = rng.random((papers, labels)) < probabilities**2
    return truth, probabilities


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_bins_equal_sklearn(kind):
    truth, probabilities = make(15)
    # Also on the borders themselves.
    probabilities[0] = np.linspace(0, 1, 5)
    probabilities[1] = [0.0, 1 / 15, 2 / 15, 3 / 15, 1.0]
    probabilities = probabilities.astype(kind).clip(0, 1)
    share, mean = calibration_curve(truth.ravel(), probabilities.ravel().astype(float), n_bins=15)
    found = reliability(truth, probabilities)
    filled = [each for each in found if each["count"]]
    assert len(found) == 15
    np.testing.assert_allclose([each["share_true"] for each in filled], share)
    np.testing.assert_allclose([each["mean_probability"] for each in filled], mean)
    assert sum(each["count"] for each in found) == truth.size
    assert [each["low"] for each in found[1:]] == [each["high"] for each in found[:-1]]
    assert (found[0]["low"], found[-1]["high"]) == (0.0, 1.0)
    for each in filled:
        assert each["low"] <= each["mean_probability"] <= each["high"]


@pytest.mark.parametrize("level", [0.95, 0.5])
def test_intervals_are_wilsons(level):
    for each in bins_from(count_pairs(*make(4)), level):
        expected = (0.0, 1.0)
        if each["count"]:
            hits = round(each["share_true"] * each["count"])
            expected = binomtest(hits, each["count"]).proportion_ci(level, "wilson")
        assert (each["share_low"], each["share_high"]) == pytest.approx(expected)


def test_pairs_that_count_are_suggested_or_above_a_tenth():
    truth, probabilities = make(3)
    probabilities[0, :3] = [0.0, 0.1, 0.11]
    suggested = np.zeros_like(truth)
    suggested[0, 0] = True
    likely = likely_pairs(probabilities, suggested)
    assert likely[0, :3].tolist() == [True, False, True]
    np.testing.assert_array_equal(likely[1:], probabilities[1:] > 0.1)
    # As if the others were not there.
    alone = count_pairs(truth[likely][:, None], probabilities[likely][:, None])
    np.testing.assert_allclose(count_pairs(truth, probabilities, among=likely), alone)


def test_labels_outside_the_vocabulary_are_true_pairs_with_probability_0():
    truth, probabilities = make(2)
    unknown = np.arange(60) % 3
    widened_truth = np.hstack([truth, unknown[:, None] > 0, unknown[:, None] > 1])
    widened = np.hstack([probabilities, np.zeros((60, 2))])
    # The widened matrix also has cells for papers without unknown labels; they are false.
    extra_false = 2 * 60 - int(unknown.sum())
    found, wide = reliability(truth, probabilities, unknown), reliability(widened_truth, widened)
    assert found[1:] == wide[1:]
    assert found[0]["count"] == wide[0]["count"] - extra_false
    assert found[0]["count"] * found[0]["share_true"] == pytest.approx(
        wide[0]["count"] * wide[0]["share_true"]
    )
    assert found[0]["count"] * found[0]["mean_probability"] == pytest.approx(
        wide[0]["count"] * wide[0]["mean_probability"]
    )


def test_without_a_pair_all_bins_are_empty():
    counts = count_pairs(np.zeros((0, 3)), np.zeros((0, 3)))
    assert [each["count"] for each in bins_from(counts)] == [0] * 15
    assert expected_calibration_error(counts) == 0


def test_bad_input_is_refused():
    for wrong, message in ((1.1, "below 0 or above 1"), (-0.1, "below 0"), (np.nan, "NaN")):
        with pytest.raises(ValueError, match=message):
            reliability(np.zeros((1, 2)), np.array([[0.5, wrong]]))
