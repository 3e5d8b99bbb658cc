"""The thresholds at which suggested label sets have the best micro-F1: one, or one a label."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.metrics.cells import rank_cells
from components.metrics.inputs import Array, FloatVector, checked_truth, checked_unknown

Floats = NDArray[np.float32]

_NO_CHOICE = 0.5
# Keeps logits finite.
_NEXT_TO_NOTHING = 1e-7


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
    cells = rank_cells(y_true, probabilities, unknown)
    if not cells.hits.any():
        return _NO_CHOICE
    # One that hits no more than the one before it suggests more in vain.
    worth = np.flatnonzero(np.diff(cells.hits, prepend=0))
    f1 = 2 * cells.hits[worth] / (cells.suggested[worth] + cells.positives)
    best = int(worth[np.argmax(f1)])
    lowest = cells.scores[best]
    below = cells.scores[best + 1] if best + 1 < cells.scores.size else np.float32(0.0)
    middle = np.float32((float(lowest) + float(below)) / 2)
    # Between neighbouring floats there is no midpoint.
    return float(middle if middle > below else lowest)


def tune_label_thresholds(
    y_true: Array,
    probabilities: Array,
    unknown: Array | None,
    global_threshold: float,
    shrinkage: float,
) -> Floats:
    """Finds the thresholds with the highest total micro-F1, and pulls those of rare labels back.

    Micro-F1 is a ratio, 2 tp / (suggested + true), summed over the labels. Of all choices of
    cuts the best one is found by Dinkelbach's method ("On Nonlinear Fractional Programming",
    Management Science 13, 1967): for the ratio F reached so far, each label for itself takes the
    cut with the highest 2 tp - F suggested, which gives a higher F, until it gives none. A label
    whose cut at the global threshold is as good as its best keeps that; else, as in
    `tune_threshold`, its threshold is the midpoint of the gap, and of equally good cuts the
    highest wins. Suggesting a label never is a cut too.

    A label with p true papers then moves from the global threshold to its own by p / (p +
    shrinkage) of the way, on the logit scale. One without any stays at the global one.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L]; compared as float32, as the model does.
        unknown: True labels outside the vocabulary, [n], always missed; None stands for all
            zero.
        global_threshold: Where a label stands of which nothing is known.
        shrinkage: How many true papers outweigh the global threshold; 0 takes each label's own.

    Returns:
        float32 [L].

    Raises:
        ValueError: The shapes don't match, a probability is NaN, or the shrinkage is negative.
    """
    if shrinkage < 0:
        raise ValueError(f"shrinkage must be at least 0, got {shrinkage}")
    truth = checked_truth(y_true, probabilities)
    missed = int(checked_unknown(unknown, truth.shape[0]).sum())
    scores = probabilities.astype(np.float32)
    start = np.float32(global_threshold)
    labels = [
        _list_cuts(truth[:, label], scores[:, label], start) for label in range(truth.shape[1])
    ]
    best = _best_thresholds(labels, int(truth.sum()) + missed)
    positives = truth.sum(axis=0)
    share = np.zeros(len(labels))
    np.divide(positives, positives + shrinkage, out=share, where=positives > 0)
    return _move(start, best, share)


class _Cuts(NamedTuple):
    """What a label's cuts suggest; the first is at the global threshold.

    The others come in the order of their thresholds, the highest first. Only a cut right after
    a true paper can be the best: one further down suggests more and hits no more.
    """

    thresholds: Floats
    hits: NDArray[np.int64]
    suggested: NDArray[np.int64]


def _list_cuts(truth: NDArray[np.bool_], scores: Floats, start: np.float32) -> _Cuts:
    at_start = scores >= start
    hits_at_start, suggested_at_start = int(truth[at_start].sum()), int(at_start.sum())
    if not truth.any():
        return _Cuts(np.array([start]), np.array([hits_at_start]), np.array([suggested_at_start]))
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order], dtype=np.int64)
    # A cut can't part equal probabilities: it comes after the last of each.
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    ends = ends[np.diff(hits[ends], prepend=0) > 0]
    above = np.concatenate([[np.float32(1.0)], ranked[ends]])
    below = np.concatenate([ranked[:1], np.append(ranked, np.float32(0.0))[ends + 1]])
    middle = ((above.astype(np.float64) + below) / 2).astype(np.float32)
    # Between neighbouring floats there is no midpoint.
    middle = np.where(middle > below, middle, above)
    # Over a probability of one there is none in [0, 1].
    middle[0] = max(middle[0], np.nextafter(ranked[0], np.float32(2.0)))
    return _Cuts(
        np.concatenate([[start], middle]).astype(np.float32),
        np.concatenate([[hits_at_start, 0], hits[ends]]),
        np.concatenate([[suggested_at_start, 0], ends + 1]),
    )


def _best_thresholds(labels: list[_Cuts], true: int) -> Floats:
    """Chooses a cut for each label so that 2 tp / (suggested + true) is as high as it gets."""
    chosen = [0] * len(labels)
    while True:
        pairs = list(zip(labels, chosen, strict=True))
        hits = sum(int(cuts.hits[cut]) for cuts, cut in pairs)
        total = true + sum(int(cuts.suggested[cut]) for cuts, cut in pairs)
        # In whole numbers, so that equally good cuts are equal.
        better = [int(np.argmax(2 * total * c.hits - 2 * hits * c.suggested)) for c in labels]
        if better == chosen:
            return np.array([cuts.thresholds[cut] for cuts, cut in pairs], np.float32)
        chosen = better


def _move(start: np.float32, goal: Floats, share: FloatVector) -> Floats:
    """Moves from one probability toward others by a share of the way between their logits."""

    def logit(probability: Floats | np.float32) -> FloatVector:
        clipped = np.clip(np.float64(probability), _NEXT_TO_NOTHING, 1 - _NEXT_TO_NOTHING)
        return np.asarray(np.log(clipped) - np.log1p(-clipped))

    between = 1 / (1 + np.exp(-(logit(start) + share * (logit(goal) - logit(start)))))
    # Who stays, and who goes all the way, must arrive exactly.
    arrived = np.where((share == 0) | (goal == start), start, np.where(share == 1, goal, between))
    return arrived.astype(np.float32)
