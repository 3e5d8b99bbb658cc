"""The threshold: the minimum probability to suggest a label, tuned on validation."""

from __future__ import annotations

import numpy as np

from components.metrics.curves import rank_pairs
from components.metrics.inputs import Array

_DEFAULT = 0.5


def tune_threshold(y_true: Array, probabilities: Array, unknown: Array | None = None) -> float:
    """Finds the threshold with the highest micro-F1 if probability >= threshold suggests.

    Every possible cut is tried: one sort, then micro-F1 = 2tp / (suggested + true) after each
    distinct probability. The threshold is the midpoint between the last suggested probability
    and the next lower one (0 below the lowest), so that rounding differences between training
    and serving change nothing. Ties go to the highest cut, which suggests the fewest labels.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L]; compared as float32, as the model does.
        unknown: True labels outside the vocabulary, [n], always missed; None means none.

    Returns:
        A value that float32 holds exactly; 0.5 if no cut hits a true label.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    ranking = rank_pairs(y_true, probabilities, unknown)
    if not ranking.hits.any():
        return _DEFAULT
    # A cut that hits no more than the one above it only adds wrong suggestions.
    useful = np.flatnonzero(np.diff(ranking.hits, prepend=0))
    f1 = 2 * ranking.hits[useful] / (ranking.suggested[useful] + ranking.positives)
    best = int(useful[np.argmax(f1)])
    lowest = ranking.scores[best]
    below = ranking.scores[best + 1] if best + 1 < ranking.scores.size else np.float32(0.0)
    middle = np.float32((float(lowest) + float(below)) / 2)
    # Adjacent floats have no midpoint.
    return float(middle if middle > below else lowest)


def half_of_best_f1(best_f1: float) -> float:
    """Returns half of the best micro-F1, as float32 holds it: a threshold that varies less.

    If probabilities are calibrated, the best threshold is half of the F1 that it reaches (Lipton,
    Elkan, Naryanaswamy 2014, Optimal Thresholding of Classifiers to Maximize F1 Measure,
    theorem 1). F1 is flat around its maximum, so the position of the best cut is mostly chance;
    the height of the maximum is not.

    Args:
        best_f1: Micro-F1 at the cut that `tune_threshold` finds, on the same papers.
    """
    return float(np.float32(best_f1 / 2))
