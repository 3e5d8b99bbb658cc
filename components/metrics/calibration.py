"""Calibration: whether of the cells with probability 0.7 seven in ten are true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.metrics.inputs import Array, FloatVector, checked_truth, checked_unknown

BINS: Final = 15


@dataclass(frozen=True)
class CalibrationBin:
    """The cells (a paper and a label each) whose probability lies in one range.

    Attributes:
        low: Lower end, not in the bin (but 0 is in the first one).
        high: Upper end, in the bin.
        count: Cells.
        mean_probability: Mean of their probabilities; 0 where there is none.
        share_true: Share of them that is true; 0 where there is none.
    """

    low: float
    high: float
    count: int
    mean_probability: float
    share_true: float


def reliability(
    y_true: Array, probabilities: Array, unknown: Array | None = None, *, bins: int = BINS
) -> list[CalibrationBin]:
    """Sorts all cells into bins of equal width, as `sklearn.calibration.calibration_curve` does.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L].
        unknown: True labels outside the vocabulary, [n]; each is a cell that got probability 0
            and is true. None stands for all zero.
        bins: Number of bins.

    Returns:
        All bins from 0 to 1, empty ones too.

    Raises:
        ValueError: The shapes don't match, a probability is NaN or outside [0, 1], or bins is
            below 1.
    """
    return bins_from(count_cells(y_true, probabilities, unknown, bins=bins))


def count_cells(
    y_true: Array, probabilities: Array, unknown: Array | None = None, *, bins: int = BINS
) -> NDArray[np.float64]:
    """Counts the cells of each bin, as `reliability` sorts them; counts of batches can be added.

    Returns:
        Cells, sum of their probabilities, true ones among them, [3, bins].

    Raises:
        ValueError: As in `reliability`.
    """
    truth = checked_truth(y_true, probabilities)
    missed = int(checked_unknown(unknown, truth.shape[0]).sum())
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    if ((probabilities < 0) | (probabilities > 1)).any():
        raise ValueError("a probability is below 0 or above 1")
    cells = probabilities.ravel().astype(np.float64)
    place = np.searchsorted(_edges(bins)[1:-1], cells)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=cells, minlength=bins)
    hits = np.bincount(place, weights=truth.ravel(), minlength=bins)
    counts[0] += missed
    hits[0] += missed
    return np.array([counts, sums, hits], dtype=np.float64)


def bins_from(counts: NDArray[np.float64]) -> list[CalibrationBin]:
    """Returns the bins whose cells `count_cells` counted, [3, bins]."""
    cells, sums, hits = counts
    edges = _edges(cells.size)
    cells_of = np.maximum(cells, 1)
    return [
        CalibrationBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            count=int(cells[i]),
            mean_probability=float(sums[i] / cells_of[i]),
            share_true=float(hits[i] / cells_of[i]),
        )
        for i in range(cells.size)
    ]


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Mean distance between probability and share true, each bin by its number of cells.

    The ECE of Guo et al., On Calibration of Modern Neural Networks (2017), over all cells. 0
    where there is no cell. Most cells are clearly false, so the figure is small for any model
    that knows that.
    """
    cells = sum(each.count for each in bins)
    gaps = sum(each.count * abs(each.mean_probability - each.share_true) for each in bins)
    return gaps / cells if cells else 0.0


def _edges(bins: int) -> FloatVector:
    return np.linspace(0.0, 1.0, bins + 1)
