"""The threshold at which suggested label sets have the best micro-F1."""

from __future__ import annotations

import numpy as np

from components.metrics.inputs import Array, checked_truth, checked_unknown

_NO_CHOICE = 0.5


def tune_threshold(y_true: Array, probabilities: Array, unknown: Array | None = None) -> float:
    """Finds the threshold with the highest micro-F1 where probability >= threshold suggests.

    Every possible cut is tried: one sort, then micro-F1 = 2tp / (suggested + true) after each
    distinct probability. The threshold is the midpoint between the last suggested probability
    and the next lower one (0 below the lowest), so small differences of arithmetic between
    training and serving change nothing. Of equally good cuts the highest wins: fewer
    suggestions.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L]; compared as float32, as the model does.
        unknown: True labels outside the vocabulary, [n], always missed; None stands for all
            zero.

    Returns:
        A float that float32 holds exactly; 0.5 where no cut hits a true label.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    truth = checked_truth(y_true, probabilities)
    missed = int(checked_unknown(unknown, truth.shape[0]).sum())
    scores = probabilities.astype(np.float32).ravel()
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    hits = np.cumsum(truth.ravel()[order], dtype=np.int64)
    if not hits.size or not hits[-1]:
        return _NO_CHOICE

    # A cut can't part equal probabilities: it comes after the last of each.
    cuts = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    f1 = 2 * hits[cuts] / (cuts + 1 + int(hits[-1]) + missed)
    best = int(cuts[np.argmax(f1)])
    lowest = ranked[best]
    below = ranked[best + 1] if best + 1 < ranked.size else np.float32(0.0)
    middle = np.float32((float(lowest) + float(below)) / 2)
    # Between neighbouring floats there is no midpoint.
    return float(middle if middle > below else lowest)
