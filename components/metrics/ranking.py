"""Ranking metrics of multi-label suggestions: one number per example, to sum or to average.

A true label outside the vocabulary can't be suggested. An example with u of them is scored as
if there were u more columns, true for this example, scored below every known label and one
below the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.metrics.inputs import (
    Array,
    BoolMatrix,
    FloatVector,
    apply_in_chunks,
    checked_truth,
    checked_unknown,
)


def hits_among_best(y_true: Array, scores: Array, k: int) -> NDArray[np.float64]:
    """How many of the 1, 2, ... k best-scored labels are true, per example, [n, k].

    What lies beyond the number of labels is not true. Of equal scores the label with the lower
    index comes first, as in `tf.math.top_k`.

    Args:
        y_true: Multi-hot truth, [n, L].
        scores: Scores, higher is better, [n, L].
        k: How many suggestions count, at least 1.

    Raises:
        ValueError: The shapes don't match or a score is NaN.
    """
    truth = checked_truth(y_true, scores)

    def hits(rows: slice) -> NDArray[np.float64]:
        best = np.argsort(-scores[rows], axis=1, kind="stable")[:, :k]
        right = np.zeros((len(best), k))
        right[:, : best.shape[1]] = np.take_along_axis(truth[rows], best, axis=1)
        return np.cumsum(right, axis=1)

    return apply_in_chunks(truth.shape, hits)


def ndcg_at_k(y_true: Array, scores: Array, k: int, unknown: Array | None = None) -> FloatVector:
    """Normalized discounted cumulative gain of the k best-scored labels, per example, [n].

    Equal to `sklearn.metrics.ndcg_score(k=k)`: gain 1 for a true label, discount
    1 / log2(rank + 1), equal scores share the mean of their discounts, 0 where nothing is true.
    True labels outside the vocabulary raise the ideal gain.

    Args:
        y_true: Multi-hot truth, [n, L].
        scores: Scores, higher is better, [n, L].
        k: How many ranks count, at least 1.
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.

    Raises:
        ValueError: The shapes don't match or a score is NaN.
    """
    truth = checked_truth(y_true, scores)
    examples, labels = truth.shape
    outside = checked_unknown(unknown, examples)

    discounts = np.zeros(max(labels, k), dtype=np.float64)
    discounts[:k] = 1.0 / np.log2(np.arange(2, k + 2))
    up_to = np.concatenate([[0.0], np.cumsum(discounts)])

    def gain(rows: slice) -> FloatVector:
        ranked, group, starts = _ranked(truth[rows], scores[rows])
        sizes = np.diff(starts, append=ranked.size)
        cell_discounts = np.broadcast_to(discounts[:labels], ranked.shape).ravel()
        discount_sums = np.bincount(group, weights=cell_discounts, minlength=sizes.size)
        hits = np.bincount(group, weights=ranked.ravel(), minlength=sizes.size)
        of_group = hits * discount_sums / sizes
        row = starts // max(labels, 1)
        gains = np.bincount(row, weights=of_group, minlength=len(ranked))
        return gains.astype(np.float64, copy=False)

    achieved = apply_in_chunks(truth.shape, gain)
    # The extra columns of unknown labels stand at the ranks after the last known label.
    reached = np.minimum(labels + outside, up_to.size - 1)
    achieved = achieved + (up_to[reached] - up_to[labels])
    ideal = up_to[np.minimum(truth.sum(axis=1) + outside, k)]
    result: FloatVector = np.divide(achieved, ideal, out=np.zeros(examples), where=ideal > 0)
    return result


def lrap(y_true: Array, scores: Array, unknown: Array | None = None) -> FloatVector:
    """Label ranking average precision, per example, [n].

    Equal to `sklearn.metrics.label_ranking_average_precision_score`: for each true label the
    share of true labels among those scored at least as high, averaged over the true labels;
    1 where no label is true.

    Args:
        y_true: Multi-hot truth, [n, L].
        scores: Scores, higher is better, [n, L].
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.

    Raises:
        ValueError: The shapes don't match or a score is NaN.
    """
    truth = checked_truth(y_true, scores)
    examples, labels = truth.shape
    outside = checked_unknown(unknown, examples)
    known = truth.sum(axis=1)

    def precisions(rows: slice) -> FloatVector:
        ranked, group, starts = _ranked(truth[rows], scores[rows])
        ends = np.append(starts[1:], ranked.size) - 1
        last = ends[group].reshape(ranked.shape) % max(labels, 1)
        true_so_far = np.take_along_axis(np.cumsum(ranked, axis=1), last, axis=1)
        summed: FloatVector = np.where(ranked, true_so_far / (last + 1), 0.0).sum(axis=1)
        return summed

    total = apply_in_chunks(truth.shape, precisions)
    for extra in range(1, int(outside.max(initial=0)) + 1):
        total = total + np.where(outside >= extra, (known + extra) / (labels + extra), 0.0)

    count = known + outside
    result: FloatVector = np.divide(total, count, out=np.ones(examples), where=count > 0)
    return result


def _ranked(
    truth: BoolMatrix, scores: Array
) -> tuple[BoolMatrix, NDArray[np.intp], NDArray[np.intp]]:
    """Sorts each row by falling score and groups equal scores.

    Returns:
        The truth in ranked order, [n, L]; the number of each cell's group in the flattened
        matrix, [n * L]; and the flat position where each group starts, [groups].
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked_scores = np.take_along_axis(scores, order, axis=1)
    opens = np.ones(truth.shape, dtype=bool)
    opens[:, 1:] = ranked_scores[:, 1:] != ranked_scores[:, :-1]
    flat = opens.ravel()
    group = np.cumsum(flat, dtype=np.intp) - 1
    return np.take_along_axis(truth, order, axis=1), group, np.flatnonzero(flat)
