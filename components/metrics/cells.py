"""All cells, a paper and a label each, ranked by probability: what every possible cut suggests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.metrics.inputs import Array, IntVector, checked_truth, checked_unknown


@dataclass(frozen=True)
class CellRanking:
    """All cells, best first.

    Attributes:
        scores: The distinct probabilities, falling, [d].
        suggested: Cells with at least that probability, [d].
        hits: True ones among them, [d].
        positives: All true labels, those outside the vocabulary too.
    """

    scores: NDArray[np.float32]
    suggested: IntVector
    hits: IntVector
    positives: int


def rank_cells(y_true: Array, probabilities: Array, unknown: Array | None = None) -> CellRanking:
    """Ranks all cells, and counts after each distinct probability.

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
    # Sorted on their own: a rank of every cell would be twice as large as the cells.
    of_true = np.sort(scores[truth.ravel()])
    scores.sort()
    # A threshold can't part equal probabilities: a cut takes all from the lowest of them on.
    opens = np.ones(scores.shape, dtype=bool)
    np.not_equal(scores[1:], scores[:-1], out=opens[1:])
    lowest = np.flatnonzero(opens)[::-1]
    distinct = scores[lowest]
    return CellRanking(
        scores=distinct,
        suggested=scores.size - lowest.astype(np.int64),
        hits=of_true.size - np.searchsorted(of_true, distinct).astype(np.int64),
        positives=of_true.size + missed,
    )
