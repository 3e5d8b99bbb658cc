"""Where a model goes wrong: which labels it confuses, and on which papers it is furthest off."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.sparse

from components.metrics.inputs import Array, checked_truth, checked_unknown

# What a probability of 0 counts as: Keras clips its cross-entropy there.
_SMALLEST: Final = 1e-7


def confused_labels(
    y_true: Array,
    probabilities: Array,
    thresholds: float | Array,
    unknown: Array | None = None,
    *,
    n: int = 20,
) -> list[tuple[int, int, float, int]]:
    """Finds which labels are suggested in place of which.

    A paper with m missed labels and w wrong suggestions has m x w pairs, of which at most
    min(m, w) are replacements, and nothing tells which. So each pair counts
    min(m, w) / (m x w) = 1 / max(m, w), and no paper counts for more than its errors.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities, [n, L].
        thresholds: As `Scored` has them.
        unknown: True labels outside the vocabulary, [n]: missed ones that are in no pair, but
            take their share of the paper's wrong suggestions. None stands for all zero.
        n: Maximum number of pairs.

    Returns:
        The pairs with the highest counts, ties by the columns: the column of the label that was
        missed, that of the label suggested in its place, the count, and how many papers have both.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    truth = checked_truth(y_true, probabilities)
    outside = checked_unknown(unknown, truth.shape[0])
    suggested = probabilities >= np.asarray(thresholds, dtype=probabilities.dtype)
    missed, wrong = truth & ~suggested, suggested & ~truth
    most = np.maximum(missed.sum(axis=1) + outside, wrong.sum(axis=1))
    left = scipy.sparse.csr_array(missed, dtype=np.float64).T
    right = scipy.sparse.csr_array(wrong, dtype=np.float64)
    shares = scipy.sparse.diags_array(1.0 / np.maximum(most, 1))
    # Both products have their values in the same places.
    papers = (left @ right).tocsr().sorted_indices().tocoo()
    counts = (left @ shares @ right).tocsr().sorted_indices()
    pairs = [
        (int(row), int(column), float(count), int(number))
        for row, column, count, number in zip(
            papers.row, papers.col, counts.data, papers.data, strict=True
        )
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], *pair))[:n]


def most_wrong(
    y_true: Array, probabilities: Array, unknown: Array | None = None, *, n: int = 10
) -> list[tuple[int, float]]:
    """Finds the papers whose probabilities are furthest from the truth.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L]; kept 1e-7 away from both ends, as Keras
            does.
        unknown: True labels outside the vocabulary, [n]; each counts as one with probability 0;
            None stands for all zero.
        n: Maximum number of papers.

    Returns:
        Row and loss of the papers with the highest binary cross-entropy (in nats, summed over
        the labels), ties in the order of the rows.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    truth = checked_truth(y_true, probabilities)
    outside = checked_unknown(unknown, truth.shape[0])
    clipped = np.clip(probabilities.astype(np.float64), _SMALLEST, 1.0 - _SMALLEST)
    losses = -np.log(np.where(truth, clipped, 1.0 - clipped)).sum(axis=1)
    losses = losses - outside * np.log(_SMALLEST)
    worst = np.argsort(-losses, kind="stable")[:n]
    return [(int(row), float(losses[row])) for row in worst]
