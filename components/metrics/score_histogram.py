"""Average precision from counts that can be added: a histogram of the probabilities.

A bin holds the probabilities with the same leading bits: up to 0.5 those of the float32 p, above
it those of 1 - p, which float32 holds exactly. So the bins are narrow near 0 and near 1, where a
trained model's probabilities are. Two probabilities share a bin only if the smaller of p and
1 - p differs by less than 1 part in 2,048 (over all pairs) or 1 part in 128 (per label); what is
within 2^-24 (6e-8) of 0 or 1 counts as the same.
"""

from __future__ import annotations

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
    """How many paper-label pairs, and how many true ones, have a probability in each bin.

    Histograms with the same rows can be added. Only bins that hold a pair are kept, so a few
    papers take little memory; however many there are, one row over all pairs takes at most
    2.3 MB, and each label's own row 141 KB.

    Attributes:
        bins: Bins in a row.
        keys: Row and bin as one number, row x bins + bin, rising, [m].
        pairs: Pairs in the bin, [m].
        hits: True ones among them, [m].
    """

    bins: int
    keys: IntVector
    pairs: IntVector
    hits: IntVector

    def __add__(self, other: ScoreHistogram) -> ScoreHistogram:
        """Returns the counts over both sets of examples."""
        return _gather(
            self.bins,
            np.append(self.keys, other.keys),
            np.append(self.pairs, other.pairs),
            np.append(self.hits, other.hits),
        )


def count_scores(y_true: Array, probabilities: Array, *, per_label: bool) -> ScoreHistogram:
    """Counts the pairs of a batch.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L]; taken as float32, as the model gives them.
        per_label: Whether each label has its own row, or all pairs share one.

    Raises:
        ValueError: The shapes don't match, or a probability is NaN, below 0 or above 1.
    """
    truth = checked_truth(y_true, probabilities)
    scores = probabilities.astype(np.float32)
    if ((scores < 0) | (scores > 1)).any():
        raise ValueError("a probability is below 0 or above 1")
    bits = _BITS_PER_LABEL if per_label else _BITS
    bins = 2 * (_EXPONENTS * 2**bits + 1)
    keys = _bin_of(scores, bins, bits)
    if per_label:
        keys = keys + np.arange(truth.shape[1]) * bins
    ones = np.ones(truth.size, dtype=np.int64)
    return _gather(bins, keys.ravel(), ones, truth.ravel().astype(np.int64))


def average_precision(histogram: ScoreHistogram, positives: IntVector) -> FloatVector:
    """Area under the precision-recall curve of each row, [rows]; 0 where nothing is true.

    The sum over the bins, highest first, of (change of recall) x precision: equal to
    `sklearn.metrics.average_precision_score` if all probabilities in a bin are the same, else
    close to it, since probabilities that share a bin count as tied.

    Args:
        histogram: The counts, of as many rows.
        positives: The true labels of each row, [rows], including those outside the vocabulary,
            which are never found.
    """
    rows = histogram.keys // histogram.bins
    hits, pairs = _from_the_top(histogram.hits, rows), _from_the_top(histogram.pairs, rows)
    gains = histogram.hits * hits / np.maximum(pairs, 1)
    areas = np.bincount(rows, weights=gains, minlength=positives.size)
    result: FloatVector = np.divide(
        areas, positives, out=np.zeros(positives.size), where=positives > 0
    )
    return result


def _bin_of(scores: NDArray[np.float32], bins: int, bits: int) -> IntVector:
    """Returns the bin of each probability; a higher one never has a lower bin."""
    dropped = 23 - bits
    upper = scores > np.float32(0.5)
    # The absolute value makes a plain zero of a negative one.
    end = np.abs(np.where(upper, np.float32(1.0) - scores, scores))
    lowest = int(np.float32(2.0**-24).view(np.uint32) >> dropped)
    steps = np.maximum((end.view(np.uint32) >> dropped).astype(np.int64) - lowest, 0)
    result: IntVector = np.where(upper, bins - 1 - steps, steps)
    return result


def _gather(bins: int, keys: IntVector, pairs: IntVector, hits: IntVector) -> ScoreHistogram:
    # The sums are floats, exact up to 2^53.
    if keys.size and int(keys.max()) < _DENSE * keys.size:
        sums = np.bincount(keys, weights=pairs)
        distinct = np.flatnonzero(sums)
        sums, right = sums[distinct], np.bincount(keys, weights=hits)[distinct]
    else:
        distinct, place = np.unique(keys, return_inverse=True)
        sums, right = np.bincount(place, weights=pairs), np.bincount(place, weights=hits)
    return ScoreHistogram(bins, distinct, sums.astype(np.int64), right.astype(np.int64))


def _from_the_top(counts: IntVector, rows: IntVector) -> IntVector:
    """Adds up, for each bin, the counts of the bins of its row from the highest one down to it."""
    up_to = np.cumsum(counts)
    ends = np.searchsorted(rows, rows, side="right") - 1
    result: IntVector = up_to[ends] - up_to + counts
    return result
