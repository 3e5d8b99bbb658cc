"""The metrics of a split measured in parts are those of the whole, and scikit-learn's."""

from functools import reduce
from operator import add
from typing import get_args

import numpy as np
import pytest

from components.metrics.names import HEADLINE, METRIC_NAMES, METRICS, ComparedMetric
from components.metrics.sums import (
    COMPARED_NAMES,
    measure,
    sum_compared,
    sum_metrics,
)
from tests.support.evaluator_splits import random_split, scikit_learn_figures


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
    assert {*get_args(ComparedMetric), *HEADLINE} == set(COMPARED_NAMES)
    assert set(METRICS) == {*METRIC_NAMES, "threshold", "compared_examples"}


def test_a_whole_split_equals_sklearn():
    split = random_split(50, 8, seed=2, density=0.3, most_unknown=1, threshold=0.4)
    found = measure(split.truth, split.probabilities, 0.4, split.unknown)
    assert found == pytest.approx({**scikit_learn_figures(split), "threshold": 0.4})
    with pytest.raises(ValueError, match="no example"):
        measure(np.zeros((0, 3)), np.zeros((0, 3)), 0.5)
