"""Changed labels, by hand and against scikit-learn and SciPy's test."""

import numpy as np
import pytest
from scipy.stats import binomtest

from components.metrics.changes import changed_labels


def one_label(gained: int, lost: int, same: int = 3):
    """Truth and two models' suggestions of a label: gained and lost as hits and as rejections."""
    right = np.array([True] * gained + [False] * lost + [True] * same)
    was_right = np.array([False] * gained + [True] * lost + [True] * same)
    truth = np.arange(right.size) % 2 == 0
    return [(truth == each)[:, None] for each in (np.ones_like(truth), right, was_right)]


def test_gained_and_lost_by_hand():
    truth = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0]])
    now = np.array([[1, 1, 1], [0, 0, 1], [0, 0, 0]])
    before = np.array([[0, 0, 1], [1, 0, 0], [1, 0, 0]])
    gained, lost, clear = changed_labels(truth, now, before)
    assert (gained.tolist(), lost.tolist(), clear.tolist()) == ([2, 0, 1], [1, 1, 0], [False] * 3)


@pytest.mark.parametrize(("gained", "lost"), [(5, 0), (6, 0), (0, 6), (9, 1), (9, 2), (40, 22)])
def test_a_change_is_clear_where_scipy_finds_that_chance_is_small(gained, lost):
    (found,) = changed_labels(*one_label(gained, lost))[2]
    assert found == (binomtest(gained, gained + lost).pvalue <= 0.05)
    # Of two labels, the clearer one needs half of that chance.
    unclear = one_label(5, 0, same=gained + lost - 2)
    both = [np.hstack(pair) for pair in zip(one_label(gained, lost), unclear, strict=True)]
    assert changed_labels(*both)[2][0] == (binomtest(gained, gained + lost).pvalue <= 0.025)


def test_equal_models_and_no_papers_have_no_change():
    truth = np.random.default_rng(0).random((20, 4)) < 0.5
    for papers in (20, 0):
        found = changed_labels(truth[:papers], truth[:papers], truth[:papers])
        np.testing.assert_array_equal(found, np.zeros((3, 4)))
