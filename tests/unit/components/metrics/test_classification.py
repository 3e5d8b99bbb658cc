"""Counts, F1 and binary accuracy against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    label_ranking_average_precision_score,
    multilabel_confusion_matrix,
    ndcg_score,
    precision_score,
    recall_score,
)
from sklearn.metrics import (
    hamming_loss as sklearn_hamming_loss,
)

from components.metrics.classification import (
    binary_accuracy,
    count_labels,
    hamming_loss,
    label_f1,
    label_precision,
    label_recall,
    macro_f1,
    macro_precision,
    macro_recall,
    micro_f1,
    micro_precision,
    micro_recall,
)
from components.metrics.report import figures
from components.metrics.sums import METRIC_NAMES


def cases():
    rng = np.random.default_rng(5)
    for labels in (1, 2, 9):
        for density in (0.0, 0.3, 1.0):
            truth = (rng.random((30, labels)) < density).astype(np.float32)
            yield pytest.param(
                truth,
                rng.random((30, labels)).astype(np.float32),
                rng.integers(0, 3, 30),
                id=f"L{labels}-density{density}",
            )


def widened(truth, suggested, unknown):
    """The definition itself: unknown labels as true columns that nothing suggests."""
    more = np.arange(int(unknown.max()) or 1)[None, :] < unknown[:, None]
    return np.hstack([truth, more]).astype(int), np.hstack([suggested, np.zeros_like(more)])


def f1(truth, suggested, average):
    """Scikit-learn's F1 over columns, a single column too (which it takes for two classes)."""
    empty = np.zeros((len(truth), 1), dtype=int)
    if truth.shape[1] > 1 or average == "micro":
        padded = (np.hstack([truth, empty]).astype(int), np.hstack([suggested, empty]).astype(int))
        if average == "micro":
            return f1_score(*padded, average="micro", zero_division=0)
        return f1_score(truth.astype(int), suggested.astype(int), average="macro", zero_division=0)
    return f1_score(truth[:, 0].astype(int), suggested[:, 0].astype(int), zero_division=0)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 2.0])
@pytest.mark.parametrize(("truth", "scores", "unknown"), cases())
def test_f1_equals_sklearn(truth, scores, unknown, threshold):
    counts = count_labels(truth, scores, threshold, unknown)
    suggested = scores >= threshold
    assert micro_f1(counts) == pytest.approx(
        f1(*widened(truth, suggested, unknown), "micro"), abs=1e-12
    )
    assert macro_f1(counts) == pytest.approx(f1(truth, suggested, "macro"), abs=1e-12)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 2.0])
@pytest.mark.parametrize(("truth", "scores", "unknown"), cases())
def test_precision_and_recall_equal_sklearn(truth, scores, unknown, threshold):
    counts = count_labels(truth, scores, threshold, unknown)
    suggested = scores >= threshold
    cells = [each.astype(int).ravel() for each in widened(truth, suggested, unknown)]
    assert micro_precision(counts) == pytest.approx(precision_score(*cells, zero_division=0))
    assert micro_recall(counts) == pytest.approx(recall_score(*cells, zero_division=0))
    columns = list(zip(truth.astype(int).T, suggested.T, strict=True))
    for metric, of_labels, macro in (
        (precision_score, label_precision, macro_precision),
        (recall_score, label_recall, macro_recall),
    ):
        expected = [metric(*column, zero_division=0) for column in columns]
        np.testing.assert_allclose(of_labels(counts), expected, rtol=0, atol=1e-12)
        assert macro(counts) == pytest.approx(np.mean(expected), abs=1e-12)


@pytest.mark.parametrize(("truth", "scores", "unknown"), cases())
def test_hamming_loss_equals_sklearn_and_counts_what_is_unknown(truth, scores, unknown):
    suggested = scores >= 0.4
    known = sklearn_hamming_loss(truth.astype(int).ravel(), suggested.ravel())
    assert hamming_loss(count_labels(truth, scores, 0.4)) == pytest.approx(known)
    wrong = known * truth.size + unknown.sum()
    assert hamming_loss(count_labels(truth, scores, 0.4, unknown)) == pytest.approx(
        wrong / (truth.size + unknown.sum())
    )


@pytest.mark.parametrize(
    "metric",
    [micro_f1, micro_precision, micro_recall, macro_f1, macro_precision, macro_recall,
     hamming_loss, binary_accuracy],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0)])
def test_nothing_to_count_is_zero(metric, shape):
    assert metric(count_labels(np.zeros(shape), np.zeros(shape), 0.5)) == 0.0


@pytest.mark.parametrize(("truth", "scores", "unknown"), cases())
def test_binary_accuracy_equals_sklearn_over_all_cells(truth, scores, unknown):
    known = accuracy_score(truth.astype(int).ravel(), (scores >= 0.5).ravel())
    assert binary_accuracy(count_labels(truth, scores, 0.5)) == pytest.approx(known)
    right, missed = known * truth.size, unknown.sum()
    assert binary_accuracy(count_labels(truth, scores, 0.5, unknown)) == pytest.approx(
        right / (truth.size + missed)
    )


def test_counts_per_label_equal_sklearn_and_add_up_over_batches():
    rng = np.random.default_rng(1)
    truth, scores = (rng.random((40, 6)) < 0.4).astype(int), rng.random((40, 6))
    unknown = rng.integers(0, 2, 40)
    whole = count_labels(truth, scores, 0.6, unknown)
    matrix = multilabel_confusion_matrix(truth, scores >= 0.6)
    np.testing.assert_array_equal(whole.true_positives, matrix[:, 1, 1])
    np.testing.assert_array_equal(whole.false_positives, matrix[:, 0, 1])
    np.testing.assert_array_equal(whole.false_negatives, matrix[:, 1, 0])
    np.testing.assert_allclose(
        label_f1(whole), f1_score(truth, scores >= 0.6, average=None, zero_division=0)
    )
    parts = count_labels(truth[:13], scores[:13], 0.6, unknown[:13]) + count_labels(
        truth[13:], scores[13:], 0.6, unknown[13:]
    )
    assert micro_f1(parts) == micro_f1(whole)
    assert macro_f1(parts) == macro_f1(whole)
    assert binary_accuracy(parts) == binary_accuracy(whole)


def test_threshold_is_compared_in_the_type_of_the_probabilities():
    probability = np.float32(0.1)
    counts = count_labels(np.array([[1]]), np.array([[probability]]), 0.1)
    assert counts.true_positives.tolist() == [1]


def test_each_label_may_have_a_threshold_of_its_own():
    rng = np.random.default_rng(9)
    truth, scores = (rng.random((40, 3)) < 0.4).astype(int), rng.random((40, 3), np.float32)
    # 0.1 is no float32: a score that is the nearest one reaches it.
    scores[0] = 0.1
    thresholds = np.array([0.1, 0.5, 1.0])
    counts = count_labels(truth, scores, thresholds)
    for column, threshold in enumerate(thresholds):
        alone = count_labels(truth[:, [column]], scores[:, [column]], float(threshold))
        assert counts.true_positives[column] == alone.true_positives[0]
        assert counts.false_positives[column] == alone.false_positives[0]
        assert counts.false_negatives[column] == alone.false_negatives[0]


def test_a_label_that_never_occurs_counts_as_zero_in_macro_f1():
    truth = np.array([[1, 0], [1, 0]])
    assert macro_f1(count_labels(truth, truth.astype(float), 0.5)) == 0.5


def test_figures_equal_sklearn():
    rng = np.random.default_rng(2)
    truth, scores = (rng.random((50, 8)) < 0.3).astype(int), rng.random((50, 8))
    result = figures(truth, scores, 0.4)
    suggested = scores >= 0.4
    assert result["micro_f1"] == pytest.approx(f1_score(truth, suggested, average="micro"))
    assert result["macro_f1"] == pytest.approx(f1_score(truth, suggested, average="macro"))
    assert result["lrap"] == pytest.approx(label_ranking_average_precision_score(truth, scores))
    assert result["ndcg@5"] == pytest.approx(ndcg_score(truth, scores, k=5))
    for k in (1, 3, 5):
        best = np.argsort(-scores, axis=1)[:, :k]
        hits = np.take_along_axis(truth, best, axis=1).mean()
        assert result[f"precision@{k}"] == pytest.approx(hits)
    assert result["binary_accuracy"] == pytest.approx(np.mean(truth == (scores >= 0.5)))
    assert result["hamming_loss"] == pytest.approx(np.mean(truth != suggested))
    assert (result["threshold"], result["examples"]) == (0.4, 50)
    assert set(result) == {*METRIC_NAMES, "threshold"}


def test_figures_of_nothing_are_refused():
    with pytest.raises(ValueError, match="no example"):
        figures(np.zeros((0, 3)), np.zeros((0, 3)), 0.5)
