"""Bootstrap intervals: how much a split's metrics would vary over other samples of papers.

The percentile bootstrap over papers (Efron, Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13): n papers are drawn with replacement from the n of the split, again and again, and the
metrics of each draw are computed. A draw is a vector of weights, and every metric is built from
sums over papers, so a draw costs one product of its weights with what each paper contributes.

The interval of macro-F1 leans low where labels are rare: a label with one true paper is missing
from a third of the draws, and its F1 is 0 there. Differences of two models hardly suffer from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from components.metrics.calibration import wilson_interval
from components.metrics.classification import ratios
from components.metrics.inputs import Array, FloatVector, checked_truth, checked_unknown
from components.metrics.names import HEADLINE
from components.metrics.ranking import hits_among_best, lrap, ndcg_at_k

# Weights held at once, whatever the number of papers and draws: 32 MiB of float64.
_WEIGHTS_AT_ONCE: Final = 4_194_304

FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """A model's scores for the papers of a split, and the truth.

    Attributes:
        y_true: Multi-hot truth over the model's own vocabulary, [n, L].
        probabilities: Probabilities, [n, L].
        thresholds: Minimum probability to suggest: one for all labels, one each, [L], or one for
            each paper, [n, 1]; infinite where the model suggests nothing.
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.
    """

    y_true: Array
    probabilities: Array
    thresholds: float | Array
    unknown: Array | None = None

    @property
    def suggested(self) -> Array:
        """Which labels are suggested, bool [n, L]."""
        thresholds = np.asarray(self.thresholds, dtype=self.probabilities.dtype)
        return np.asarray(self.probabilities >= thresholds)


@dataclass(frozen=True)
class Resampled:
    """A model's HEADLINE metrics on a split and on each draw from it.

    Attributes:
        value: On the split itself, [metrics].
        drawn: On each draw, [samples, metrics].
        papers: Number of papers of the split.
    """

    value: FloatVector
    drawn: FloatMatrix
    papers: int

    def intervals(self, level: float) -> dict[str, dict[str, float]]:
        """Returns the `value` of each metric by name, and its percentile interval, `low` to `high`.

        If the top label of all papers is right, or of none, no draw varies: Wilson's interval.

        Args:
            level: Share of the draws that lies within the interval, between 0 and 1.
        """
        found = _intervals(self.value, self.drawn, level)
        top = found["precision@1"]
        if top["value"] in (0, 1):
            hits = round(top["value"] * self.papers)
            top["low"], top["high"] = wilson_interval(hits, self.papers, level)
        return found

    def minus(self, other: Resampled, level: float) -> dict[str, dict[str, float]]:
        """Returns how far this model is ahead of another on the same draws, by metric.

        Args:
            other: The other model, from the same call of `resample`.
            level: Share of the draws whose difference lies within the interval.

        Returns:
            As `intervals`; where 0 lies outside the interval, one is clearly ahead. And
            `share_above`, the share of the draws in which this one is; ties count half.
        """
        ahead = self.drawn - other.drawn
        above = (ahead > 0).mean(axis=0) + (ahead == 0).mean(axis=0) / 2
        found = _intervals(self.value - other.value, ahead, level).items()
        return {
            name: {**each, "share_above": share}
            for (name, each), share in zip(found, above.tolist(), strict=True)
        }


def resample(models: Sequence[Scored], *, samples: int, seed: int = 0) -> list[Resampled]:
    """Computes the HEADLINE metrics of models on the same bootstrap draws.

    Args:
        models: Scores for the same papers: row i is the same paper for all models. Their labels
            may differ, or come in another order.
        samples: Number of draws, at least 1.
        seed: Seed of the draws; equal seeds draw the same papers.

    Raises:
        ValueError: Shapes don't match, a probability is NaN, the models were not scored on the
            same number of papers, or there is no paper.
    """
    parts = [_Contributions(model) for model in models]
    papers = parts[0].papers
    rows = max(1, _WEIGHTS_AT_ONCE // max(papers, *(each.labels for each in parts)))
    drawn = [
        [each.metrics(weights) for each in parts]
        for weights in _weights(papers, samples, rows, seed)
    ]
    return [
        Resampled(each.metrics(np.ones((1, papers)))[0], np.concatenate(of_model), papers)
        for each, of_model in zip(parts, zip(*drawn, strict=True), strict=True)
    ]


class _Contributions:
    """What each paper adds to the sums that the metrics are built from."""

    def __init__(self, scored: Scored) -> None:
        truth = checked_truth(scored.y_true, scored.probabilities)
        self.papers, self.labels = truth.shape
        if not self.papers:
            raise ValueError("there is no paper to draw")
        unknown = checked_unknown(scored.unknown, self.papers)
        suggested = scored.suggested
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
                hits_among_best(truth, scored.probabilities, 1)[:, 0],
            ]
        )

    def metrics(self, weights: FloatMatrix) -> FloatMatrix:
        """Computes the metrics for weights [draws, n]: [draws, metrics], as in HEADLINE."""
        sums = weights @ self._sums
        micro = ratios(2 * sums[:, 0], sums[:, 1])
        per_label = ratios(2 * self._hits @ weights.T, self._true_and_suggested @ weights.T)
        macro = per_label.mean(axis=0) if self.labels else np.zeros(len(weights))
        means = sums[:, 2:] / weights.sum(axis=1, keepdims=True)
        return np.column_stack([micro, macro, means])


def _weights(papers: int, samples: int, rows: int, seed: int) -> Iterator[FloatMatrix]:
    """Draws with replacement: how often each paper was drawn, [at most rows, papers] at a time."""
    generator = np.random.default_rng(seed)
    for start in range(0, samples, rows):
        weights = np.empty((min(rows, samples - start), papers))
        for row in weights:
            row[:] = np.bincount(generator.integers(papers, size=papers), minlength=papers)
        yield weights


def _intervals(value: FloatVector, drawn: FloatMatrix, level: float) -> dict[str, dict[str, float]]:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    ends = np.column_stack([value, low, high]).tolist()
    rows = (dict(zip(("value", "low", "high"), each, strict=True)) for each in ends)
    return dict(zip(HEADLINE, rows, strict=True))
