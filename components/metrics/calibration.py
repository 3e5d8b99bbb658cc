"""Calibration: whether seven in ten of the pairs with probability 0.7 are true.

A pair is a paper and a label.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from components.metrics.inputs import Array, BoolMatrix, checked_truth, checked_unknown

BINS: Final = 15
# All other pairs are clearly false for any model, and there are hundreds for each of these.
_LIKELY: Final = 0.1
_EDGES: Final = np.linspace(0.0, 1.0, BINS + 1)


def likely_pairs(probabilities: Array, suggested: Array) -> BoolMatrix:
    """Tells which pairs are suggested or have a probability above 0.1, [n, L]."""
    return suggested.astype(bool) | (probabilities > _LIKELY)


def count_pairs(
    y_true: Array,
    probabilities: Array,
    unknown: Array | None = None,
    among: BoolMatrix | None = None,
) -> NDArray[np.float64]:
    """Counts the pairs in each of 15 bins of equal width; counts of batches can be added.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L].
        unknown: True labels outside the vocabulary, [n]; each is a true pair with probability 0.
            None stands for all zero.
        among: The pairs to count, [n, L]; None stands for all.

    Returns:
        Pairs, sum of their probabilities, true ones among them, [3, 15].

    Raises:
        ValueError: The shapes don't match, or a probability is NaN or outside [0, 1].
    """
    truth = checked_truth(y_true, probabilities)
    missed = int(checked_unknown(unknown, truth.shape[0]).sum())
    if ((probabilities < 0) | (probabilities > 1)).any():
        raise ValueError("a probability is below 0 or above 1")
    if among is not None:
        truth, probabilities = truth[among], probabilities[among]
    flat = probabilities.ravel().astype(np.float64)
    bin_of = np.searchsorted(_EDGES[1:-1], flat)
    counts = np.bincount(bin_of, minlength=BINS)
    sums = np.bincount(bin_of, weights=flat, minlength=BINS)
    hits = np.bincount(bin_of, weights=truth.ravel(), minlength=BINS)
    counts[0] += missed
    hits[0] += missed
    return np.array([counts, sums, hits], dtype=np.float64)


def bins_from(counts: NDArray[np.float64], level: float = 0.95) -> list[dict[str, float]]:
    """Returns the bins whose pairs `count_pairs` counted: `sklearn.calibration.calibration_curve`.

    Args:
        counts: The counts.
        level: Confidence level of the intervals, between 0 and 1.

    Returns:
        Of each bin, empty ones too: `low`, which is outside it (but 0 is in the first one), and
        `high`, which is inside; `count`, the number of pairs; `mean_probability` of them and
        `share_true`, both 0 for an empty bin; `share_low` and `share_high`, Wilson's interval of
        `share_true`.
    """
    pairs, sums, hits = counts
    at_least_one = np.maximum(pairs, 1)
    intervals = [wilson_interval(*each, level) for each in zip(hits, pairs, strict=True)]
    return [
        {
            "low": float(_EDGES[i]),
            "high": float(_EDGES[i + 1]),
            "count": int(pairs[i]),
            "mean_probability": float(sums[i] / at_least_one[i]),
            "share_true": float(hits[i] / at_least_one[i]),
            "share_low": intervals[i][0],
            "share_high": intervals[i][1],
        }
        for i in range(BINS)
    ]


def wilson_interval(hits: float, count: float, level: float) -> tuple[float, float]:
    """Returns Wilson's interval of a share, `hits` of `count`; 0 to 1 where nothing was counted."""
    if not count:
        return 0.0, 1.0
    found = stats.binomtest(int(hits), int(count)).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def expected_calibration_error(counts: NDArray[np.float64]) -> float:
    """Mean gap between probability and share true, each bin weighted by its number of pairs.

    The ECE of Guo et al., On Calibration of Modern Neural Networks (2017); 0 where no pair was
    counted. Over all pairs it is small for any model, since most pairs are clearly false.
    """
    pairs, sums, hits = counts
    return float(np.abs(sums - hits).sum() / max(pairs.sum(), 1))
