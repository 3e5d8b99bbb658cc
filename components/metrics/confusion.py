"""Where a model goes wrong: which labels it confuses, and on which papers it is furthest off."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from components.metrics.inputs import (
    Array,
    BoolMatrix,
    FloatVector,
    IntVector,
    checked_truth,
    checked_unknown,
)

# What a probability of 0 counts as: Keras clips its cross-entropy there.
_SMALLEST: Final = 1e-7

IntMatrix = NDArray[np.int64]


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


def label_matrix(
    y_true: Array, suggested: Array, *, n: int = 15
) -> tuple[IntVector, IntVector, IntMatrix]:
    """Counts what the papers of each of the largest labels are suggested.

    Args:
        y_true: Multi-hot truth, [n, L].
        suggested: Multi-hot suggestions, [n, L].
        n: Maximum number of labels.

    Returns:
        The m true labels with the most papers, largest first, as columns; their numbers of
        papers, [m]; and the counts, [m, m]: how many papers of the row's label are suggested
        that of the column, if it is another one, only those where that is not true.

    Raises:
        ValueError: The shapes don't match.
    """
    truth, chosen = checked_truth(y_true, suggested), suggested.astype(bool)
    papers = truth.sum(axis=0)
    largest = np.argsort(-papers, kind="stable")[:n]
    largest = largest[papers[largest] > 0]
    truth, chosen = truth[:, largest], chosen[:, largest]
    counts = truth.T.astype(np.int64) @ (chosen & ~truth)
    np.fill_diagonal(counts, (truth & chosen).sum(axis=0))
    return largest, papers[largest], counts


def typical_right(
    y_true: Array,
    probabilities: Array,
    suggested: Array,
    unknown: Array | None = None,
    *,
    n: int = 10,
) -> list[tuple[int, int, float]]:
    """Finds a typical paper of each of the largest labels among those without a mistake.

    Args:
        y_true: As in `most_wrong`.
        probabilities: As in `most_wrong`.
        suggested: Multi-hot suggestions, [n, L].
        unknown: As in `most_wrong`; a paper with one is not without a mistake.
        n: Maximum number of labels.

    Returns:
        Column, row and loss of the paper with the label whose loss is the (lower) median, largest
        label first. No paper comes twice, and labels without such a paper are left out.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    truth = checked_truth(y_true, probabilities)
    losses = _losses(truth, probabilities, checked_unknown(unknown, truth.shape[0]))
    right = (truth == suggested.astype(bool)).all(axis=1)
    right &= checked_unknown(unknown, truth.shape[0]) == 0
    found: list[tuple[int, int, float]] = []
    for column in np.argsort(-truth.sum(axis=0), kind="stable")[:n].tolist():
        rows = np.flatnonzero(right & truth[:, column])
        if rows.size:
            row = int(rows[np.argsort(losses[rows], kind="stable")[(rows.size - 1) // 2]])
            found.append((column, row, float(losses[row])))
            right[row] = False
    return found


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
    losses = _losses(truth, probabilities, checked_unknown(unknown, truth.shape[0]))
    worst = np.argsort(-losses, kind="stable")[:n]
    return [(int(row), float(losses[row])) for row in worst]


def _losses(truth: BoolMatrix, probabilities: Array, outside: IntVector) -> FloatVector:
    clipped = np.clip(probabilities.astype(np.float64), _SMALLEST, 1.0 - _SMALLEST)
    losses = -np.log(np.where(truth, clipped, 1.0 - clipped)).sum(axis=1)
    result: FloatVector = losses - outside * np.log(_SMALLEST)
    return result
