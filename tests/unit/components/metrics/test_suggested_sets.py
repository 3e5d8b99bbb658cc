"""Metrics of each example's suggestions against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from components.metrics.suggested_sets import example_f1, example_is_covered


def draw(density, suggested_density, labels=6, examples=40):
    rng = np.random.default_rng(4)
    truth = (rng.random((examples, labels)) < density).astype(np.float32)
    suggested = (rng.random((examples, labels)) < suggested_density).astype(np.float32)
    return truth, suggested, rng.integers(0, 3, examples)


@pytest.mark.parametrize("density", [0.0, 0.3, 1.1])
@pytest.mark.parametrize("suggested_density", [0.0, 0.2, 1.1])
def test_f1_of_examples_equals_sklearn_with_unknown_labels_as_columns(density, suggested_density):
    truth, suggested, unknown = draw(density, suggested_density)
    more = np.arange(3)[None, :] < unknown[:, None]
    wide = np.hstack([truth, more]).astype(int)
    guess = np.hstack([suggested, np.zeros_like(more)]).astype(int)
    found = example_f1(truth, suggested, unknown)
    expected = f1_score(wide, guess, average="samples", zero_division=0)
    assert found.mean() == pytest.approx(expected, abs=1e-12)
    rows = zip(wide, guess, strict=True)
    each = [f1_score(row, row_guess, zero_division=0) for row, row_guess in rows]
    np.testing.assert_allclose(found, each, rtol=0, atol=1e-12)


@pytest.mark.parametrize("suggested_density", [0.0, 0.2, 1.1])
def test_an_example_is_covered_by_one_right_suggestion(suggested_density):
    truth, suggested, _ = draw(0.3, suggested_density)
    expected = [
        float(bool(set(np.flatnonzero(row)) & set(np.flatnonzero(guess))))
        for row, guess in zip(truth, suggested, strict=True)
    ]
    assert example_is_covered(truth, suggested).tolist() == expected


@pytest.mark.parametrize("metric", [example_f1, example_is_covered])
def test_shapes_that_differ_are_refused(metric):
    with pytest.raises(ValueError, match="must both be"):
        metric(np.zeros((2, 3)), np.zeros((2, 4)))
    assert metric(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)
