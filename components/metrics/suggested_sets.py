"""Metrics of each example's own suggestions: one number per example, to sum or to average."""

from __future__ import annotations

import numpy as np

from components.metrics.inputs import Array, FloatVector, checked_truth, checked_unknown


def example_f1(y_true: Array, suggested: Array, unknown: Array | None = None) -> FloatVector:
    """F1 of the suggestions of each example, [n]; 0 where nothing is true and none suggested.

    Its mean is `sklearn.metrics.f1_score(average="samples", zero_division=0)`.

    Args:
        y_true: Multi-hot truth, [n, L].
        suggested: Multi-hot suggestions, [n, L].
        unknown: True labels outside the vocabulary, [n], each missed; None stands for all zero.

    Raises:
        ValueError: The shapes don't match.
    """
    truth = checked_truth(y_true, suggested)
    outside = checked_unknown(unknown, truth.shape[0])
    chosen = suggested.astype(bool)
    hits = 2 * (truth & chosen).sum(axis=1)
    total = truth.sum(axis=1) + chosen.sum(axis=1) + outside
    result: FloatVector = np.divide(hits, total, out=np.zeros(hits.size), where=total > 0)
    return result


def example_is_covered(y_true: Array, suggested: Array) -> FloatVector:
    """1 for each example with at least one right suggestion, else 0, [n].

    Args:
        y_true: Multi-hot truth, [n, L].
        suggested: Multi-hot suggestions, [n, L].

    Raises:
        ValueError: The shapes don't match.
    """
    truth = checked_truth(y_true, suggested)
    covered: FloatVector = (truth & suggested.astype(bool)).any(axis=1).astype(np.float64)
    return covered
