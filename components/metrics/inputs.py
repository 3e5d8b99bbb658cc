"""The checks and types that every metric shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FloatVector = NDArray[np.float64]
IntVector = NDArray[np.int64]
BoolMatrix = NDArray[np.bool_]


def checked_truth(y_true: Array, scores: Array) -> BoolMatrix:
    """Returns the multi-hot truth as booleans, or says why the pair can't be scored.

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
