"""What every metric shares: types, checks of its inputs, and working through a matrix in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FloatVector = NDArray[np.float64]
IntVector = NDArray[np.int64]
BoolMatrix = NDArray[np.bool_]

_CELLS_AT_ONCE: Final = 2**20


def checked_truth(y_true: Array, scores: Array) -> BoolMatrix:
    """Returns the multi-hot truth as booleans.

    Args:
        y_true: Multi-hot truth, [n, L], zeros and ones of any type.
        scores: Scores or probabilities, [n, L].

    Raises:
        ValueError: The shapes differ or are not [n, L], or a score is NaN.
    """
    if y_true.ndim != 2 or y_true.shape != scores.shape:
        raise ValueError(
            f"truth and scores must both be [examples, labels], got {y_true.shape} "
            f"and {scores.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError("scores hold NaN, which has no rank")
    return y_true.astype(bool)


def checked_unknown(unknown: Array | None, examples: int) -> IntVector:
    """Returns each example's number of true labels outside the vocabulary, [n].

    Args:
        unknown: The numbers, [n]; None stands for all zero.
        examples: n.

    Raises:
        ValueError: The shape is not [n], or a number is negative.
    """
    if unknown is None:
        return np.zeros(examples, dtype=np.int64)
    if unknown.shape != (examples,):
        raise ValueError(f"unknown must be [{examples}], got {unknown.shape}")
    counts = unknown.astype(np.int64)
    if (counts < 0).any():
        raise ValueError("unknown holds a negative number of labels")
    return counts


def apply_in_chunks(
    shape: tuple[int, ...], of_rows: Callable[[slice], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Works through a matrix a million cells (or one row) at a time, so that memory is bounded.

    Args:
        shape: Shape of the whole matrix, [n, L].
        of_rows: Computes the result for a range of rows, first axis rows.

    Returns:
        The results, concatenated.
    """
    examples, labels = shape
    at_once = max(1, _CELLS_AT_ONCE // max(labels, 1))
    # Without an example there is one empty part.
    starts = range(0, max(examples, 1), at_once)
    return np.concatenate([of_rows(slice(start, start + at_once)) for start in starts])
