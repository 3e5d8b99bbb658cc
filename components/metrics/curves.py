"""Precision and recall over all paper-label pairs at every threshold, thinned for plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.metrics.inputs import (
    Array,
    FloatVector,
    IntVector,
    checked_truth,
    checked_unknown,
)

POINTS: Final = 300


@dataclass(frozen=True)
class PairRanking:
    """All paper-label pairs, highest probability first.

    Attributes:
        scores: The distinct probabilities, falling, [d].
        suggested: Pairs with at least that probability, [d].
        hits: True ones among them, [d].
        positives: All true labels, those outside the vocabulary too.
    """

    scores: NDArray[np.float32]
    suggested: IntVector
    hits: IntVector
    positives: int


def rank_pairs(y_true: Array, probabilities: Array, unknown: Array | None = None) -> PairRanking:
    """Ranks all pairs, and counts what is suggested down to each distinct probability.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities, [n, L]; compared as float32, as the model does.
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    truth = checked_truth(y_true, probabilities)
    missed = int(checked_unknown(unknown, truth.shape[0]).sum())
    scores = probabilities.astype(np.float32).ravel()
    # Sorted separately: ranking every pair would take twice the memory of the scores.
    of_true = np.sort(scores[truth.ravel()])
    scores.sort()
    # A threshold can't part equal probabilities: it suggests all of them or none.
    opens = np.ones(scores.shape, dtype=bool)
    np.not_equal(scores[1:], scores[:-1], out=opens[1:])
    lowest = np.flatnonzero(opens)[::-1]
    distinct = scores[lowest]
    return PairRanking(
        scores=distinct,
        suggested=scores.size - lowest.astype(np.int64),
        hits=of_true.size - np.searchsorted(of_true, distinct).astype(np.int64),
        positives=of_true.size + missed,
    )


def precision_recall_curve(
    y_true: Array, probabilities: Array, unknown: Array | None = None, *, points: int = POINTS
) -> tuple[FloatVector, FloatVector, float]:
    """Computes the precision-recall curve over all pairs.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities, [n, L]; compared as float32, as the model does.
        unknown: True labels outside the vocabulary, [n], never found, so that recall stays below
            1; None stands for all zero.
        points: Maximum number of points kept, at least 2: the first, the last, and those nearest
            to even steps along the line. The area is that of the whole curve.

    Returns:
        Micro precision and recall where probability >= threshold suggests, by rising recall; both
        are empty for no pair, and recall is 0 where no label is true. Then the area, the sum of
        (change of recall) x precision over every distinct probability:
        `sklearn.metrics.average_precision_score(average="micro")`.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    ranking = rank_pairs(y_true, probabilities, unknown)
    precision = ranking.hits / np.maximum(ranking.suggested, 1)
    recall = ranking.hits / max(ranking.positives, 1)
    area = float((np.diff(recall, prepend=0.0) * precision).sum())
    keep = _even_along_the_line(recall, precision, points)
    return precision[keep], recall[keep], area


def threshold_curve(
    y_true: Array, probabilities: Array, unknown: Array | None = None, *, points: int = POINTS
) -> dict[str, FloatVector]:
    """Computes micro precision, recall and F1 against one threshold for all labels.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L].
        unknown: True labels outside the vocabulary, [n], always missed; None stands for all
            zero.
        points: Number of thresholds, at least 2.

    Returns:
        `thresholds`, evenly from 0 to 1, and `precision`, `recall` and `f1` at each; 0 where
        nothing is suggested, or no label is true.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    ranking = rank_pairs(y_true, probabilities, unknown)
    grid = np.linspace(0.0, 1.0, points, dtype=np.float32)
    # How many distinct probabilities are at or above each threshold; 0 of them suggest nothing.
    reached = np.searchsorted(-ranking.scores, -grid, side="right")
    hits = np.append(0, ranking.hits)[reached]
    suggested = np.append(0, ranking.suggested)[reached]
    return {
        "thresholds": grid.astype(np.float64),
        "precision": hits / np.maximum(suggested, 1),
        "recall": hits / max(ranking.positives, 1),
        "f1": 2 * hits / np.maximum(suggested + ranking.positives, 1),
    }


def _even_along_the_line(x: FloatVector, y: FloatVector, points: int) -> NDArray[np.intp]:
    """Returns which points to keep, first and last among them; all if they are few."""
    if x.size <= points:
        return np.arange(x.size)
    length = np.append(0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
    steps = np.linspace(0.0, length[-1], points)
    chosen = np.clip(np.searchsorted(length, steps), 0, x.size - 1)
    chosen[0], chosen[-1] = 0, x.size - 1
    kept: NDArray[np.intp] = np.unique(chosen)
    return kept
