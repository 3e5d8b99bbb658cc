"""Counts per label and the metrics from them against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from components.metrics.classification import (
    binary_accuracy,
    count_labels,
    example_f1,
    example_is_covered,
    hamming_loss,
    label_f1,
    label_precision,
    label_recall,
    macro_average,
    micro_f1,
    micro_precision,
    micro_recall,
)


def cases():
    rng = np.random.default_rng(5)
    for labels in (1, 2, 9):
        for density in (0.0, 0.3, 1.0):
            truth = (rng.random((30, labels)) < density).astype(np.float32)
            scores = rng.random((30, labels)).astype(np.float32)
            name = f"L{labels}-density{density}"
            yield pytest.param(truth, scores, rng.integers(0, 3, 30), id=name)


def widened(truth, suggested, unknown):
    """Unknown labels as true columns that nothing suggests."""
    more = np.arange(int(unknown.max()) or 1)[None, :] < unknown[:, None]
    return np.hstack([truth, more]).astype(int), np.hstack([suggested, np.zeros_like(more)])


@pytest.mark.parametrize("threshold", [0.3, 0.8])
@pytest.mark.parametrize(("truth", "scores", "unknown"), cases())
def test_metrics_equal_sklearn_with_unknown_labels_as_columns(truth, scores, unknown, threshold):
    counts = count_labels(truth, scores, threshold, unknown)
    suggested = scores >= threshold
    wide = [each.astype(int).ravel() for each in widened(truth, suggested, unknown)]
    columns = list(zip(truth.astype(int).T, suggested.T, strict=True))
    for metric, micro, per_label in (
        (sklearn.f1_score, micro_f1, label_f1),
        (sklearn.precision_score, micro_precision, label_precision),
        (sklearn.recall_score, micro_recall, label_recall),
    ):
        # Over all pairs as one column, micro averages are those of the true class.
        assert micro(counts) == pytest.approx(metric(*wide, zero_division=0))
        expected = [metric(*column, zero_division=0) for column in columns]
        np.testing.assert_allclose(per_label(counts), expected, rtol=0, atol=1e-12)
        # Labels that never occur count as 0.
        assert macro_average(per_label(counts)) == pytest.approx(np.mean(expected), abs=1e-12)


@pytest.mark.parametrize(("truth", "scores", "unknown"), cases())
def test_shares_of_pairs_equal_sklearn_and_unknown_labels_are_wrong_pairs(truth, scores, unknown):
    pairs = truth.astype(int).ravel(), (scores >= 0.5).ravel()
    wrong = sklearn.hamming_loss(*pairs)
    assert hamming_loss(count_labels(truth, scores, 0.5)) == pytest.approx(wrong)
    assert binary_accuracy(count_labels(truth, scores, 0.5)) == pytest.approx(
        sklearn.accuracy_score(*pairs)
    )
    wrong = (wrong * truth.size + unknown.sum()) / (truth.size + unknown.sum())
    counts = count_labels(truth, scores, 0.5, unknown)
    assert hamming_loss(counts) == pytest.approx(wrong)
    assert binary_accuracy(counts) == pytest.approx(1 - wrong)


@pytest.mark.parametrize(
    "metric",
    [micro_f1, micro_precision, micro_recall, hamming_loss, binary_accuracy,
     lambda counts: macro_average(label_f1(counts))],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0)])
def test_nothing_to_count_is_zero(metric, shape):
    assert metric(count_labels(np.zeros(shape), np.zeros(shape), 0.5)) == 0.0


def test_thresholds_are_compared_in_the_type_of_the_probabilities_for_each_label():
    rng = np.random.default_rng(9)
    truth, scores = (rng.random((40, 3)) < 0.4).astype(int), rng.random((40, 3), np.float32)
    # 0.1 is no float32: the nearest one reaches it.
    scores[0] = 0.1
    thresholds = np.array([0.1, 0.5, 1.0])
    counts = count_labels(truth, scores, thresholds)
    suggested = scores >= thresholds.astype(np.float32)
    np.testing.assert_array_equal(counts.suggested, suggested.sum(axis=0))
    np.testing.assert_array_equal(counts.true_positives, (suggested & (truth == 1)).sum(axis=0))
    assert suggested[0, 0]


@pytest.mark.parametrize("density", [0.0, 0.3, 1.1])
@pytest.mark.parametrize("suggested_density", [0.0, 0.2, 1.1])
def test_metrics_of_each_example_equal_sklearn(density, suggested_density):
    rng = np.random.default_rng(4)
    truth = (rng.random((40, 6)) < density).astype(np.float32)
    suggested = (rng.random((40, 6)) < suggested_density).astype(np.float32)
    unknown = rng.integers(0, 3, 40)
    wide = widened(truth, suggested, unknown)
    rows = list(zip(*(each.astype(int) for each in wide), strict=True))
    expected = [sklearn.f1_score(*row, zero_division=0) for row in rows]
    np.testing.assert_allclose(example_f1(truth, suggested, unknown), expected, rtol=0, atol=1e-12)
    hits = [float((row & guess).any()) for row, guess in rows]
    assert example_is_covered(truth, suggested).tolist() == hits


@pytest.mark.parametrize("metric", [example_f1, example_is_covered])
def test_shapes_that_differ_are_refused(metric):
    with pytest.raises(ValueError, match="must both be"):
        metric(np.zeros((2, 3)), np.zeros((2, 4)))
    assert metric(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)
