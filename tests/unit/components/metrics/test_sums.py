"""The metrics of a split measured in parts are those of the whole, and scikit-learn's."""

from functools import reduce
from operator import add
from typing import get_args

import numpy as np
import pytest
from sklearn import metrics as sklearn

from components.metrics.names import HEADLINE, LABEL_METRICS, METRIC_NAMES, METRICS, GatedMetric
from components.metrics.sums import (
    COMPARED_NAMES,
    measure,
    sum_compared,
    sum_labels,
    sum_metrics,
)


def draw(examples=90, labels=8):
    rng = np.random.default_rng(6)
    truth = (rng.random((examples, labels)) < 0.25).astype(np.float32)
    probabilities = (np.round(rng.random(truth.shape) * 256) / 256).astype(np.float32)
    thresholds = np.linspace(0.3, 0.8, labels, dtype=np.float32)
    return truth, probabilities, probabilities >= thresholds, rng.integers(0, 3, examples)


def apply_in_chunks(function, split, cuts):
    order = np.random.default_rng(0).permutation(90)
    parts = [function(*(each[rows] for each in split)) for rows in np.split(order, cuts)]
    return reduce(add, parts).figures()


@pytest.mark.parametrize("cuts", [[], [1], [0, 30, 31, 90]])
def test_parts_have_the_metrics_of_the_whole(cuts):
    whole = sum_metrics(*draw()).figures()
    found = apply_in_chunks(sum_metrics, draw(), cuts)
    assert tuple(found) == METRIC_NAMES
    assert found == pytest.approx(whole, abs=1e-12)
    compared = apply_in_chunks(sum_compared, draw(), cuts)
    assert tuple(compared) == COMPARED_NAMES
    assert compared == pytest.approx({name: whole[name] for name in COMPARED_NAMES}, abs=1e-12)


def test_models_are_compared_by_all_that_is_gated_or_in_the_headline():
    assert {*get_args(GatedMetric), *HEADLINE} == set(COMPARED_NAMES)
    assert set(METRICS) == {*METRIC_NAMES, "threshold", "compared_examples"}


def test_labels_equal_sklearn_in_parts():
    truth, probabilities, suggested, _ = draw()
    truth[:, 3] = 0
    suggested[:, 4] = False
    found = apply_in_chunks(sum_labels, (truth, probabilities, suggested), [20, 21])
    assert tuple(found) == LABEL_METRICS
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(
        truth, suggested, average=None, zero_division=0
    )
    areas = [
        sklearn.average_precision_score(column, scores) if column.any() else 0.0
        for column, scores in zip(truth.T, probabilities.T, strict=True)
    ]
    expected = (support, suggested.sum(axis=0), precision, recall, f1, areas)
    for (name, values), right in zip(found.items(), expected, strict=True):
        np.testing.assert_allclose(values, right, rtol=0, atol=1e-12, err_msg=name)


def test_a_whole_split_equals_sklearn():
    rng = np.random.default_rng(2)
    truth, scores = (rng.random((50, 8)) < 0.3).astype(int), rng.random((50, 8))
    found = measure(truth, scores, 0.4)
    suggested = scores >= 0.4
    expected = {
        "micro_f1": sklearn.f1_score(truth, suggested, average="micro"),
        "macro_f1": sklearn.f1_score(truth, suggested, average="macro"),
        "lrap": sklearn.label_ranking_average_precision_score(truth, scores),
        "ndcg@5": sklearn.ndcg_score(truth, scores, k=5),
        "binary_accuracy": np.mean(truth == (scores >= 0.5)),
        "hamming_loss": np.mean(truth != suggested),
        "threshold": 0.4,
        "examples": 50,
    }
    for k in (1, 3, 5):
        best = np.argsort(-scores, axis=1)[:, :k]
        expected[f"precision@{k}"] = np.take_along_axis(truth, best, axis=1).mean()
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert set(found) == {*METRIC_NAMES, "threshold"}
    with pytest.raises(ValueError, match="no example"):
        measure(np.zeros((0, 3)), np.zeros((0, 3)), 0.5)
