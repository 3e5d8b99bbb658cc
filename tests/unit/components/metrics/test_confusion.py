"""Confused labels and wrong papers, by hand, by brute force and against scikit-learn."""

from collections import defaultdict

import numpy as np
import pytest
from sklearn.metrics import log_loss

from components.metrics.confusion import confused_labels, most_wrong


def test_pairs_by_hand():
    truth = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]])
    suggested = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [1, 1, 0, 0]])
    # Paper 0: label 1 for label 0. Paper 1: label 2 for one of 0 and 1. Paper 2: one of 2 and 3
    # for label 0. Paper 3 is right. Paper 4 has one too many, but misses nothing.
    assert confused_labels(truth, suggested.astype(float), 0.5) == [
        (0, 1, 1.0, 1),
        (0, 2, 1.0, 2),
        (0, 3, 0.5, 1),
        (1, 2, 0.5, 1),
    ]
    assert len(confused_labels(truth, suggested.astype(float), 0.5, n=2)) == 2


@pytest.mark.parametrize("thresholds", [0.5, np.linspace(0.2, 0.8, 8)])
def test_pairs_equal_brute_force(thresholds):
    rng = np.random.default_rng(0)
    truth = rng.random((60, 8)) < 0.3
    scores = rng.random((60, 8)).astype(np.float32)
    unknown = rng.integers(0, 3, 60)
    counts, papers = defaultdict(float), defaultdict(int)
    for row in range(60):
        suggested = scores[row] >= np.broadcast_to(thresholds, 8).astype(np.float32)
        missed = np.flatnonzero(truth[row] & ~suggested)
        wrong = np.flatnonzero(suggested & ~truth[row])
        for a in missed:
            for b in wrong:
                counts[a, b] += 1 / max(missed.size + unknown[row], wrong.size)
                papers[a, b] += 1
    found = confused_labels(truth, scores, thresholds, unknown, n=1000)
    assert {(a, b): number for a, b, _, number in found} == dict(papers)
    for a, b, count, _ in found:
        assert count == pytest.approx(counts[a, b])
    assert [each[2] for each in found] == sorted((each[2] for each in found), reverse=True)


@pytest.mark.parametrize("papers", [0, 3])
def test_who_is_right_or_suggests_nothing_confuses_nothing(papers):
    truth = np.ones((papers, 2))
    assert confused_labels(truth, truth, 0.5) == []
    assert confused_labels(truth, np.zeros((papers, 2)), 0.5) == []


def test_wrong_papers_have_the_highest_cross_entropy_of_sklearn():
    rng = np.random.default_rng(2)
    truth = (rng.random((30, 6)) < 0.4).astype(int)
    probabilities = rng.random((30, 6))
    expected = [
        log_loss(truth[row], probabilities[row], labels=[0, 1], normalize=False)
        for row in range(30)
    ]
    found = most_wrong(truth, probabilities, n=30)
    assert [each[0] for each in found] == np.argsort(expected)[::-1].tolist()
    np.testing.assert_allclose([each[1] for each in found], np.sort(expected)[::-1])
    assert most_wrong(truth, probabilities, n=4) == found[:4]


def test_unknown_labels_and_certain_errors_cost_much_but_not_infinitely_much():
    truth = np.array([[1.0], [0.0], [1.0], [1.0]], np.float32)
    probabilities = np.array([[1.0], [1.0], [0.5], [1.0]], np.float32)
    found = most_wrong(truth, probabilities, np.array([0, 0, 0, 2]))
    error = -np.log(1e-7)
    assert [each[0] for each in found] == [3, 1, 2, 0]
    assert [each[1] for each in found] == [
        pytest.approx(2 * error, abs=1e-5),
        pytest.approx(error),
        pytest.approx(np.log(2)),
        pytest.approx(0, abs=1e-5),
    ]


def test_equally_wrong_papers_come_in_their_order():
    found = most_wrong(np.zeros((5, 2)), np.full((5, 2), 0.3), n=3)
    assert [each[0] for each in found] == [0, 1, 2]
    assert most_wrong(np.zeros((0, 2)), np.zeros((0, 2))) == []
