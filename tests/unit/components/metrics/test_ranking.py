"""Ranking metrics against scikit-learn, on random and on degenerate input."""

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from components.metrics.ranking import hits_among_best, lrap, ndcg_at_k


def make_cases():
    rng = np.random.default_rng(3)
    for labels in (1, 2, 3, 7, 40):
        for density in (0.0, 0.1, 0.5, 1.0):
            for levels in (2, 5, None):
                truth = (rng.random((25, labels)) < density).astype(np.float32)
                scores = rng.random((25, labels)).astype(np.float32)
                if levels:
                    scores = np.floor(scores * levels) / np.float32(levels)
                yield truth, scores, rng.integers(0, 4, 25)
    # All scores equal.
    yield np.eye(4, dtype=np.int64), np.zeros((4, 4)), np.array([0, 1, 2, 9])


CASES = list(make_cases())


def widened(truth, scores, unknown):
    """The definition itself: unknown labels as columns below all others, for scikit-learn.

    One further column is never true and stands at the very bottom, where it changes nothing:
    scikit-learn refuses to rank a single column.
    """
    extra = int(unknown.max()) + 1
    columns = np.arange(extra)
    more_truth = (columns[None, :] < unknown[:, None]).astype(truth.dtype)
    more_scores = np.broadcast_to(scores.min() - 1.0 - columns, more_truth.shape)
    return np.hstack([truth, more_truth]), np.hstack([scores.astype(float), more_scores])


def by_row(metric, truth, scores):
    return np.array([metric(truth[i : i + 1], scores[i : i + 1]) for i in range(len(truth))])


def test_lrap_equals_sklearn():
    for truth, scores, unknown in CASES:
        expected = by_row(label_ranking_average_precision_score, *widened(truth, scores, unknown))
        np.testing.assert_allclose(lrap(truth, scores, unknown), expected, rtol=0, atol=1e-12)
        # scikit-learn averages in the type of the scores.
        expected = label_ranking_average_precision_score(truth, scores.astype(float))
        assert lrap(truth, scores).mean() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5, 60])
def test_ndcg_equals_sklearn(k):
    for truth, scores, unknown in CASES:
        expected = by_row(lambda t, s: ndcg_score(t, s, k=k), *widened(truth, scores, unknown))
        found = ndcg_at_k(truth, scores, k, unknown)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        single = truth.shape[1] == 1  # scikit-learn refuses to rank one column
        expected = truth.mean(dtype=float) if single else ndcg_score(truth, scores, k=k)
        assert ndcg_at_k(truth, scores, k).mean() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5, 60])
def test_hits_equal_a_plain_loop(k):
    for truth, scores, _ in CASES:
        expected = []
        for row, row_scores in zip(truth, scores, strict=True):
            best = sorted(range(len(row)), key=lambda i, s=row_scores: (-s[i], i))
            expected.append([sum(int(row[i]) for i in best[:upto]) for upto in range(1, k + 1)])
        np.testing.assert_array_equal(hits_among_best(truth, scores, k), expected)


@pytest.mark.parametrize("metric", [lrap, lambda t, s: ndcg_at_k(t, s, 5)])
def test_no_example_gives_an_empty_vector(metric):
    assert metric(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)


@pytest.mark.parametrize(
    ("truth", "scores", "unknown", "message"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), None, "must both be"),
        (np.zeros(3), np.zeros(3), None, "must both be"),
        (np.zeros((1, 2)), np.array([[0.1, np.nan]]), None, "NaN"),
        (np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(3), "unknown"),
        (np.zeros((2, 3)), np.zeros((2, 3)), np.array([-1, 0]), "unknown"),
    ],
)
def test_bad_input_is_refused(truth, scores, unknown, message):
    with pytest.raises(ValueError, match=message):
        lrap(truth, scores, unknown)


def test_a_matrix_in_parts_is_ranked_as_its_rows_are():
    rng = np.random.default_rng(0)
    truth = rng.random((1_100, 2_000)) < 0.01
    scores = np.round(rng.random(truth.shape), 3)
    unknown = rng.integers(0, 3, len(truth))
    few = [0, 523, 524, 525, 1_048, 1_049, 1_099]
    for metric, options in ((lrap, ()), (ndcg_at_k, (5,))):
        whole = metric(truth, scores, *options, unknown)
        assert whole.shape == (1_100,)
        expected = metric(truth[few], scores[few], *options, unknown[few])
        np.testing.assert_array_equal(whole[few], expected)
    hits = hits_among_best(truth, scores, 7)
    assert hits.shape == (1_100, 7)
    np.testing.assert_array_equal(hits[few], hits_among_best(truth[few], scores[few], 7))
