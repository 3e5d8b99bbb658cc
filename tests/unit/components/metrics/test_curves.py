"""Precision, recall and F1 at every threshold against scikit-learn."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
)
from sklearn.metrics import precision_recall_curve as sklearn_curve

from components.metrics.curves import precision_recall_curve, rank_pairs, threshold_curve


def make(papers=50, labels=7, density=0.2, levels=None, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random((papers, labels)) < density
    scores = (0.3 * truth + 0.7 * rng.random(truth.shape)).astype(np.float32)
    if levels:
        scores = np.floor(scores * levels) / np.float32(levels)
    return truth, scores


@pytest.mark.parametrize("levels", [None, 2, 10])
@pytest.mark.parametrize("density", [0.02, 0.5, 1.0])
def test_whole_curve_and_its_area_equal_sklearn(levels, density):
    truth, scores = make(density=density, levels=levels)
    expected, reached, _ = sklearn_curve(truth.ravel(), scores.ravel())
    precision, recall, area = precision_recall_curve(truth, scores, points=10_000)
    # Scikit-learn's thresholds rise, and it adds a point without a threshold.
    np.testing.assert_allclose(precision, expected[:-1][::-1])
    np.testing.assert_allclose(recall, reached[:-1][::-1])
    assert area == pytest.approx(average_precision_score(truth, scores, average="micro"), abs=1e-12)


@pytest.mark.parametrize("points", [2, 5, 100])
def test_thinned_curve_keeps_its_ends_its_shape_and_its_area(points):
    truth, scores = make(papers=400)
    *whole, whole_area = precision_recall_curve(truth, scores, points=10_000)
    *thin, area = precision_recall_curve(truth, scores, points=points)
    assert area == whole_area
    place = {point: row for row, point in enumerate(zip(*whole, strict=True))}
    rows = [place[point] for point in zip(*thin, strict=True)]
    assert len(rows) <= points
    assert (rows[0], rows[-1]) == (0, len(place) - 1)
    assert rows == sorted(set(rows))
    steps = np.hypot(*np.diff(whole))
    longest = max(steps[a:b].sum() for a, b in itertools.pairwise(rows))
    assert longest <= steps.sum() / (points - 1) + steps.max()


def test_labels_outside_the_vocabulary_are_never_found():
    truth, scores = make()
    unknown = np.arange(50) % 4
    share = truth.sum() / (truth.sum() + unknown.sum())
    precision, recall, area = precision_recall_curve(truth, scores, points=10_000)
    found = precision_recall_curve(truth, scores, unknown, points=10_000)
    np.testing.assert_array_equal(found[0], precision)
    np.testing.assert_allclose(found[1], recall * share)
    assert found[2] == pytest.approx(area * share)
    assert found[1][-1] == pytest.approx(share)
    curve = threshold_curve(truth, scores, unknown, points=3)
    suggested = scores >= 0.5
    hits = (truth & suggested).sum()
    assert curve["f1"][1] == pytest.approx(
        2 * hits / (suggested.sum() + truth.sum() + unknown.sum())
    )
    assert curve["recall"][1] == pytest.approx(hits / (truth.sum() + unknown.sum()))


@pytest.mark.parametrize("levels", [None, 4])
@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
def test_threshold_curve_equals_sklearn_at_every_threshold(levels, density):
    truth, scores = make(density=density, levels=levels)
    scores[0, :2] = [0.0, 1.0]
    found = threshold_curve(truth, scores, points=21)
    np.testing.assert_allclose(found["thresholds"], np.linspace(0, 1, 21), atol=1e-7)
    for row, threshold in enumerate(found["thresholds"]):
        suggested = scores >= np.float32(threshold)
        options = {"average": "micro", "zero_division": 0}
        pair = (truth.astype(int), suggested.astype(int))
        for name, score in (
            ("f1", f1_score), ("precision", precision_score), ("recall", recall_score)
        ):  # fmt: skip
            assert found[name][row] == pytest.approx(score(*pair, **options), abs=1e-12)


def test_nothing_true_has_no_recall_and_no_area():
    precision, recall, area = precision_recall_curve(
        np.zeros((3, 2)), np.random.default_rng(0).random((3, 2))
    )
    assert area == 0
    assert not recall.any()
    assert not precision.any()


def test_without_a_pair_the_curve_is_empty():
    empty = np.zeros((0, 3), np.float32)
    precision, recall, area = precision_recall_curve(empty, empty)
    assert precision.size == recall.size == area == 0
    assert not threshold_curve(empty, empty)["f1"].any()


@pytest.mark.parametrize("levels", [1, 4, 10_000])
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_counts_are_those_at_every_distinct_probability(levels, density):
    rng = np.random.default_rng(levels)
    truth = (rng.random((40, 6)) < density).astype(np.float32)
    scores = (np.floor(rng.random(truth.shape) * levels) / levels).astype(np.float32)
    unknown = rng.integers(0, 3, 40)
    found = rank_pairs(truth, scores, unknown)
    assert found.scores.tolist() == sorted(set(scores.ravel().tolist()), reverse=True)
    for score, suggested, hits in zip(found.scores, found.suggested, found.hits, strict=True):
        assert suggested == (scores >= score).sum()
        assert hits == truth[scores >= score].sum()
    assert found.positives == truth.sum() + unknown.sum()


def test_probabilities_are_told_apart_as_float32_does():
    high = np.float32(0.3)
    low = np.nextafter(high, np.float32(0))
    # Both are 1 in float32, as the model and its server have them.
    nearly = 1 - 1e-12
    found = rank_pairs(np.array([[1, 0, 1, 0]]), np.array([[high, low, 1.0, nearly]], np.float64))
    assert found.scores.tolist() == [1.0, float(high), float(low)]
    assert found.suggested.tolist() == [2, 3, 4]
    assert found.hits.tolist() == [1, 2, 2]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_without_a_pair_there_is_nothing_to_cut(shape):
    found = rank_pairs(np.zeros(shape), np.zeros(shape), np.arange(shape[0]))
    assert found.scores.size == found.suggested.size == found.hits.size == 0
    assert found.positives == np.arange(shape[0]).sum()


def test_what_can_not_be_ranked_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        rank_pairs(np.zeros((1, 1)), np.array([[np.nan]]))
    with pytest.raises(ValueError, match=r"must both be \[examples, labels\]"):
        rank_pairs(np.zeros((1, 2)), np.zeros((2, 1)))
