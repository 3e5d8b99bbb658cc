"""Bootstrap intervals: how far a split's figures would move, had other papers been drawn.

The percentile bootstrap over papers (Efron, Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13): n papers are drawn with replacement from the n of the split, over and over, and the
figures of each draw are computed. A draw is a vector of weights, and every figure is made of sums
over papers, so that a draw costs a product of its weights with what each paper contributes.

The interval of macro-F1 leans low where labels are rare: a label with one true paper is missing in
a third of the draws, and its F1 is 0 there. A difference of two models hardly suffers from that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from components.metrics.inputs import Array, FloatVector, checked_truth, checked_unknown
from components.metrics.ranking import lrap, ndcg_at_k, precision_at_k

BOOTSTRAPPED: Final = ("micro_f1", "macro_f1", "lrap", "ndcg@5", "precision@1")

# Weights held at once, whatever the number of papers and draws: 32 MiB of float64.
_CELLS_AT_ONCE: Final = 4_194_304

FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """What one model says about the papers of a split, and what is true.

    Attributes:
        y_true: Multi-hot truth over the model's own vocabulary, [n, L].
        probabilities: Probabilities, [n, L].
        thresholds: Lowest probability that suggests: one for all labels, or one for each, [L].
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.
    """

    y_true: Array
    probabilities: Array
    thresholds: float | Array
    unknown: Array | None = None


@dataclass(frozen=True)
class Interval:
    """A figure and how sure it is.

    Attributes:
        value: The figure on the split itself.
        low: Lower end of the interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """By how much one model is ahead of another, and how sure that is.

    Attributes:
        value: The figure of the first minus that of the second, on the split itself.
        low: Lower end of the interval of the difference.
        high: Upper end. Where 0 lies outside the interval, one model is better than the other
            at that level.
        share_above: Share of the draws in which the first is ahead; ties count half.
    """

    value: float
    low: float
    high: float
    share_above: float


def bootstrap_intervals(
    y_true: Array,
    probabilities: Array,
    thresholds: float | Array,
    unknown: Array | None = None,
    *,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Computes the headline figures of a split with bootstrap percentile intervals.

    Args:
        y_true: Multi-hot truth, [n, L], n at least 1.
        probabilities: Probabilities, [n, L].
        thresholds: Lowest probability that suggests: one for all labels, or one for each, [L].
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.
        samples: Draws.
        seed: Seed of the draws; equal seeds draw the same papers.
        level: Share of the draws that lies within the interval.

    Returns:
        By the names of BOOTSTRAPPED. The values equal those of the other modules of this folder.

    Raises:
        ValueError: The shapes don't match, a probability is NaN, there is no paper or no draw,
            or the level is not between 0 and 1.
    """
    parts = _Contributions(Scored(y_true, probabilities, thresholds, unknown))
    (drawn,) = _draw([parts], samples, seed)
    tails = _tails(level)
    intervals = {}
    for column, name in enumerate(BOOTSTRAPPED):
        low, high = np.quantile(drawn[:, column], tails)
        intervals[name] = Interval(float(parts.value[column]), float(low), float(high))
    return intervals


def paired_bootstrap(
    a: Scored, b: Scored, *, samples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Difference]:
    """Compares two models on the same papers: both are scored on the same draws.

    Args:
        a: The first model.
        b: The second one; row i is the same paper as row i of the first. The labels may be
            others, or in another order.
        samples: Draws.
        seed: Seed of the draws.
        level: Share of the draws whose difference lies within the interval.

    Returns:
        a minus b, by the names of BOOTSTRAPPED.

    Raises:
        ValueError: As in `bootstrap_intervals`, or the numbers of papers differ.
    """
    first, second = _Contributions(a), _Contributions(b)
    if first.papers != second.papers:
        raise ValueError(
            f"both models must be scored on the same papers, got {first.papers} and {second.papers}"
        )
    drawn_first, drawn_second = _draw([first, second], samples, seed)
    differences = drawn_first - drawn_second
    tails = _tails(level)
    result = {}
    for column, name in enumerate(BOOTSTRAPPED):
        ahead = differences[:, column]
        low, high = np.quantile(ahead, tails)
        result[name] = Difference(
            value=float(first.value[column] - second.value[column]),
            low=float(low),
            high=float(high),
            share_above=float((ahead > 0).mean() + (ahead == 0).mean() / 2),
        )
    return result


class _Contributions:
    """What each paper adds to the sums that the figures are made of.

    Attributes:
        papers: n.
        value: The figures on the papers themselves, in the order of BOOTSTRAPPED.
    """

    def __init__(self, scored: Scored) -> None:
        truth = checked_truth(scored.y_true, scored.probabilities)
        self.papers, self._labels = truth.shape
        if not self.papers:
            raise ValueError("there is no paper to draw")
        unknown = checked_unknown(scored.unknown, self.papers)
        thresholds = np.asarray(scored.thresholds, dtype=scored.probabilities.dtype)
        if thresholds.shape not in ((), (self._labels,)):
            raise ValueError(
                f"thresholds must be one number or [{self._labels}], got {thresholds.shape}"
            )
        suggested = scored.probabilities >= thresholds
        hits = truth & suggested
        self._hits = scipy.sparse.csr_array(hits, dtype=np.float64).T
        both = truth.astype(np.int8) + suggested
        self._true_and_suggested = scipy.sparse.csr_array(both, dtype=np.float64).T
        self._sums = np.column_stack(
            [
                hits.sum(axis=1),
                both.sum(axis=1) + unknown,
                lrap(truth, scored.probabilities, unknown),
                ndcg_at_k(truth, scored.probabilities, 5, unknown),
                precision_at_k(truth, scored.probabilities, 1),
            ]
        )
        self.value: FloatVector = self.figures(np.ones((1, self.papers)))[0]

    def figures(self, weights: FloatMatrix) -> FloatMatrix:
        """Computes the figures for weights [draws, n]: [draws, figures], as in BOOTSTRAPPED."""
        sums = weights @ self._sums
        micro = _f1(sums[:, 0], sums[:, 1])
        per_label = _f1(self._hits @ weights.T, self._true_and_suggested @ weights.T)
        macro = per_label.mean(axis=0) if self._labels else np.zeros(len(weights))
        means = sums[:, 2:] / weights.sum(axis=1, keepdims=True)
        return np.column_stack([micro, macro, means])

    @property
    def rows_at_once(self) -> int:
        """How many draws fit into bounded memory."""
        return max(1, _CELLS_AT_ONCE // max(self.papers, self._labels))


def _f1(hits: Array, true_and_suggested: Array) -> Array:
    """F1 = 2tp / (true + suggested), 0 where that is 0 / 0."""
    return np.divide(
        2 * hits, true_and_suggested, out=np.zeros(hits.shape), where=true_and_suggested > 0
    )


def _draw(parts: Sequence[_Contributions], samples: int, seed: int) -> list[FloatMatrix]:
    """Returns each model's figures on the same draws, [samples, figures] each."""
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")
    rows = min(each.rows_at_once for each in parts)
    drawn = [
        [each.figures(weights) for each in parts]
        for weights in _weights(parts[0].papers, samples, rows, seed)
    ]
    return [np.concatenate(figures) for figures in zip(*drawn, strict=True)]


def _weights(papers: int, samples: int, rows: int, seed: int) -> Iterator[FloatMatrix]:
    """Draws with replacement: how often each paper came up, [at most rows, papers] at a time."""
    generator = np.random.default_rng(seed)
    for start in range(0, samples, rows):
        weights = np.empty((min(rows, samples - start), papers))
        for row in weights:
            row[:] = np.bincount(generator.integers(papers, size=papers), minlength=papers)
        yield weights


def _tails(level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return (1 - level) / 2, (1 + level) / 2
