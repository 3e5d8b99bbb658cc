"""Works through a matrix some rows at a time, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

_CELLS_AT_ONCE: Final = 2**20


def in_parts(
    shape: tuple[int, ...], of_rows: Callable[[slice], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Joins what is computed of some rows at a time, a million cells or one row.

    Args:
        shape: Of the whole matrix, [n, L].
        of_rows: What there is to compute of a range of rows, first axis rows.
    """
    examples, labels = shape
    at_once = max(1, _CELLS_AT_ONCE // max(labels, 1))
    # Without an example there is a part too, of nothing.
    starts = range(0, max(examples, 1), at_once)
    return np.concatenate([of_rows(slice(start, start + at_once)) for start in starts])
