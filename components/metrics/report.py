"""The figures of a whole split under the names that people compare models by."""

from __future__ import annotations

import numpy as np

from components.metrics.inputs import Array
from components.metrics.sums import sum_metrics


def figures(
    y_true: Array, probabilities: Array, threshold: float, unknown: Array | None = None
) -> dict[str, float]:
    """Scores a split: suggestions at the threshold, binary accuracy at 0.5, and the ranking.

    Args:
        y_true: Multi-hot truth, [n, L], with at least one example.
        probabilities: Probabilities in [0, 1], [n, L].
        threshold: Lowest probability that suggests; compared in the probabilities' own type.
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.

    Returns:
        The metrics of `components.metrics.sums.METRIC_NAMES`, and `threshold`.

    Raises:
        ValueError: The shapes don't match, a probability is NaN, below 0 or above 1, or there is
            no example.
    """
    if not len(y_true):
        raise ValueError("there is no example to score")
    suggested = probabilities >= np.asarray(threshold, dtype=probabilities.dtype)
    sums = sum_metrics(y_true, probabilities, suggested, unknown)
    return {**sums.figures(), "threshold": threshold, "examples": len(y_true)}
