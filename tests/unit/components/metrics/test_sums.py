"""The figures of a split scored in parts are those of the whole."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from components.metrics.calibration import expected_calibration_error, reliability
from components.metrics.sums import (
    HEADLINE_NAMES,
    LABEL_FIGURES,
    METRIC_NAMES,
    sum_headline,
    sum_labels,
    sum_metrics,
)


def draw(examples=90, labels=8):
    rng = np.random.default_rng(6)
    truth = (rng.random((examples, labels)) < 0.25).astype(np.float32)
    probabilities = (np.round(rng.random(truth.shape) * 256) / 256).astype(np.float32)
    thresholds = np.linspace(0.3, 0.8, labels, dtype=np.float32)
    return truth, probabilities, probabilities >= thresholds, rng.integers(0, 3, examples)


@pytest.mark.parametrize("cuts", [[], [1], [0, 30, 31, 90]])
def test_parts_have_the_figures_of_the_whole(cuts):
    split = draw()
    whole = sum_metrics(*split).figures()
    parts = [
        sum_metrics(*(each[rows] for each in split))
        for rows in np.split(np.random.default_rng(0).permutation(90), cuts)
    ]
    found = parts[0].plus(parts[1:]).figures()
    assert tuple(found) == METRIC_NAMES
    assert found == pytest.approx(whole, abs=1e-12)


def test_the_headline_alone_is_the_same():
    truth, probabilities, suggested, unknown = draw()
    whole = sum_metrics(truth, probabilities, suggested, unknown).figures()
    parts = [
        sum_headline(truth[rows], probabilities[rows], suggested[rows], unknown[rows])
        for rows in np.split(np.arange(90), [40])
    ]
    found = parts[0].plus(parts[1:]).figures()
    assert tuple(found) == HEADLINE_NAMES
    assert found == {name: pytest.approx(whole[name], abs=1e-12) for name in HEADLINE_NAMES}


def test_calibration_is_that_of_the_report():
    truth, probabilities, suggested, unknown = draw()
    found = sum_metrics(truth, probabilities, suggested, unknown).figures()["ece"]
    expected = expected_calibration_error(reliability(truth, probabilities, unknown))
    assert found == pytest.approx(expected, abs=1e-12)


def test_labels_equal_sklearn_in_parts():
    truth, probabilities, suggested, _ = draw()
    truth[:, 3] = 0
    suggested[:, 4] = False
    parts = [
        sum_labels(truth[rows], probabilities[rows], suggested[rows])
        for rows in np.split(np.arange(90), [20, 21])
    ]
    found = parts[0].plus(parts[1:]).figures()
    assert tuple(found) == LABEL_FIGURES
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, suggested, average=None, zero_division=0
    )
    areas = [
        average_precision_score(column, scores) if column.any() else 0.0
        for column, scores in zip(truth.T, probabilities.T, strict=True)
    ]
    expected = {
        "support": support,
        "suggested": suggested.sum(axis=0),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "pr_auc": areas,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-12, err_msg=name)


def test_predicting_nothing_by_hand():
    truth = np.array([[1.0, 0.0], [1.0, 1.0]])
    nothing = np.zeros_like(truth)
    found = sum_metrics(truth, nothing, nothing, np.array([0, 1])).figures()
    # Four true labels, one of them unknown, in five cells.
    assert found["hamming_loss"] == pytest.approx(4 / 5)
    assert found["ece"] == pytest.approx(4 / 5)
    assert found["recall@5"] == pytest.approx((1 + 2 / 3) / 2)
    # All four cells are tied: 3 of 4 are right, and the unknown label is never found.
    assert found["micro_pr_auc"] == pytest.approx(3 / 4 * 3 / 4)
    for name in ("micro_f1", "micro_precision", "samples_f1", "coverage", "suggestions"):
        assert found[name] == 0.0, name
