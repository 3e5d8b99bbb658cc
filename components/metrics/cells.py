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
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    hits = np.cumsum(truth.ravel()[order], dtype=np.int64)
    # A threshold can't part equal probabilities: a cut comes after the last of each.
    ended = np.append(ranked, np.float32(-np.inf))
    last = np.flatnonzero(ended[:-1] != ended[1:])
    return CellRanking(
        scores=ranked[last],
        suggested=last.astype(np.int64) + 1,
        hits=hits[last],
        positives=int(truth.sum()) + missed,
    )
