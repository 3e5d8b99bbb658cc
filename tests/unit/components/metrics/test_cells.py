"""The ranking of all cells against a count at every distinct probability."""

import numpy as np
import pytest

from components.metrics.cells import rank_cells


@pytest.mark.parametrize("levels", [1, 4, 10_000])
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_counts_are_those_at_every_distinct_probability(levels, density):
    rng = np.random.default_rng(levels)
    truth = (rng.random((40, 6)) < density).astype(np.float32)
    scores = (np.floor(rng.random(truth.shape) * levels) / levels).astype(np.float32)
    unknown = rng.integers(0, 3, 40)
    found = rank_cells(truth, scores, unknown)
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
    found = rank_cells(np.array([[1, 0, 1, 0]]), np.array([[high, low, 1.0, nearly]], np.float64))
    assert found.scores.tolist() == [1.0, float(high), float(low)]
    assert found.suggested.tolist() == [2, 3, 4]
    assert found.hits.tolist() == [1, 2, 2]


def test_zero_is_a_probability_too():
    tiny = np.nextafter(np.float32(0), np.float32(1))
    found = rank_cells(np.array([[1, 1]]), np.array([[0.0, tiny]], np.float32))
    assert found.scores.tolist() == [float(tiny), 0.0]
    assert found.hits.tolist() == [1, 2]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_without_a_cell_there_is_nothing_to_cut(shape):
    found = rank_cells(np.zeros(shape), np.zeros(shape), np.arange(shape[0]))
    assert found.scores.size == found.suggested.size == found.hits.size == 0
    assert found.positives == np.arange(shape[0]).sum()


def test_what_can_not_be_ranked_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        rank_cells(np.zeros((1, 1)), np.array([[np.nan]]))
    with pytest.raises(ValueError, match=r"must both be \[examples, labels\]"):
        rank_cells(np.zeros((1, 2)), np.zeros((2, 1)))
