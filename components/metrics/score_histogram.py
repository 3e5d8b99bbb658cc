"""Average precision from counts that can be added up: a histogram of the probabilities.

A bin holds the probabilities with the same leading bits. Up to 0.5 they are those of the
float32 p, beyond it those of 1 - p, which float32 holds exactly: so the bins are narrow near 0
and near 1, where the probabilities of a trained model are. Two share a bin only where the
smaller of p and 1 - p differs by less than 1 part in 2,048 over all cells, and 1 part in 128
for a label of its own; what is within 2^-24 (6e-8) of 0 or 1 counts as the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.metrics.inputs import Array, FloatVector, IntVector, checked_truth

# Bits of the fraction that are kept, of the 23 that a float32 has.
_BITS: Final = 11
_BITS_PER_LABEL: Final = 7
# The powers of two from 2^-24 to 1/2.
_EXPONENTS: Final = 23

# Up to so many bins for each count, an array over all bins is quicker than sorting.
_DENSE: Final = 16


@dataclass(frozen=True)
class ScoreHistogram:
    """How many cells, and how many true ones, have a probability in each bin.

    Only bins that hold a cell are kept, so a few papers take little room. However many there
    are, all cells take 2.3 MB at the most, and each label of its own 141 KB.

    Attributes:
        bins: Bins of a row.
        keys: Row and bin as one number, row x bins + bin, rising, [m].
        cells: Cells in it, [m].
        hits: True ones among them, [m].
    """

    bins: int
    keys: IntVector
    cells: IntVector
    hits: IntVector


def count_scores(y_true: Array, probabilities: Array, *, per_label: bool) -> ScoreHistogram:
    """Counts the cells of a batch.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L]; taken as float32, as the model gives them.
        per_label: Whether each label has a row of its own, or all cells share one.

    Raises:
        ValueError: The shapes don't match, or a probability is NaN, below 0 or above 1.
    """
    truth = checked_truth(y_true, probabilities)
    scores = probabilities.astype(np.float32)
    if ((scores < 0) | (scores > 1)).any():
        raise ValueError("a probability is below 0 or above 1")
    bits = _BITS_PER_LABEL if per_label else _BITS
    bins = 2 * (_EXPONENTS * 2**bits + 1)
    keys = _place(scores, bins, bits)
    if per_label:
        keys = keys + np.arange(truth.shape[1]) * bins
    ones = np.ones(truth.size, dtype=np.int64)
    return _gather(bins, keys.ravel(), ones, truth.ravel().astype(np.int64))


def merge_scores(histograms: Sequence[ScoreHistogram]) -> ScoreHistogram:
    """Adds up the counts of several batches, all of them per label or none."""
    if len(histograms) == 1:
        return histograms[0]
    return _gather(
        histograms[0].bins,
        np.concatenate([each.keys for each in histograms]),
        np.concatenate([each.cells for each in histograms]),
        np.concatenate([each.hits for each in histograms]),
    )


def average_precision(histogram: ScoreHistogram, positives: IntVector) -> FloatVector:
    """Area under the precision-recall curve of each row, [rows]; 0 where nothing is true.

    The sum over the bins, highest first, of (change of recall) x precision: equal to
    `sklearn.metrics.average_precision_score` where all probabilities in a bin are the same, and
    else near it, since what shares a bin counts as tied.

    Args:
        histogram: The counts, of as many rows.
        positives: What recall is a share of: the true labels of each row, [rows], with those
            outside the vocabulary, which are never found.
    """
    rows = histogram.keys // histogram.bins
    hits, cells = _from_the_top(histogram.hits, rows), _from_the_top(histogram.cells, rows)
    gains = histogram.hits * hits / np.maximum(cells, 1)
    areas = np.bincount(rows, weights=gains, minlength=positives.size)
    result: FloatVector = np.divide(
        areas, positives, out=np.zeros(positives.size), where=positives > 0
    )
    return result


def _place(scores: NDArray[np.float32], bins: int, bits: int) -> IntVector:
    """Returns the bin of each probability; a higher one never has a lower bin."""
    dropped = 23 - bits
    upper = scores > np.float32(0.5)
    # The absolute value makes a plain zero of a negative one.
    end = np.abs(np.where(upper, np.float32(1.0) - scores, scores))
    lowest = int(np.float32(2.0**-24).view(np.uint32) >> dropped)
    steps = np.maximum((end.view(np.uint32) >> dropped).astype(np.int64) - lowest, 0)
    result: IntVector = np.where(upper, bins - 1 - steps, steps)
    return result


def _gather(bins: int, keys: IntVector, cells: IntVector, hits: IntVector) -> ScoreHistogram:
    # The sums are floats, exact up to 2^53.
    if keys.size and int(keys.max()) < _DENSE * keys.size:
        sums = np.bincount(keys, weights=cells)
        distinct = np.flatnonzero(sums)
        sums, right = sums[distinct], np.bincount(keys, weights=hits)[distinct]
    else:
        distinct, place = np.unique(keys, return_inverse=True)
        sums, right = np.bincount(place, weights=cells), np.bincount(place, weights=hits)
    return ScoreHistogram(bins, distinct, sums.astype(np.int64), right.astype(np.int64))


def _from_the_top(counts: IntVector, rows: IntVector) -> IntVector:
    """Adds up, for each bin, the counts of the bins of its row from the highest one down to it."""
    up_to = np.cumsum(counts)
    ends = np.searchsorted(rows, rows, side="right") - 1
    result: IntVector = up_to[ends] - up_to + counts
    return result
