"""Every metric from sums over batches, so that any number of examples is scored in parts.

Sums of disjoint sets of examples can be added in any order; the figures are those of all of them
at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.metrics import classification
from components.metrics.calibration import bins_from, count_cells, expected_calibration_error
from components.metrics.classification import LabelCounts, count_labels
from components.metrics.inputs import Array, FloatVector, IntVector, checked_unknown
from components.metrics.ranking import hits_among_best, lrap, ndcg_at_k
from components.metrics.score_histogram import (
    ScoreHistogram,
    average_precision,
    count_scores,
    merge_scores,
)
from components.metrics.suggested_sets import example_f1, example_is_covered

# The number of examples is a metric as well.
EXAMPLES: Final = "examples"

METRIC_NAMES: Final = (
    "micro_f1",
    "micro_precision",
    "micro_recall",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "samples_f1",
    "precision@1",
    "precision@3",
    "precision@5",
    "recall@5",
    "ndcg@5",
    "lrap",
    "micro_pr_auc",
    "coverage",
    "suggestions",
    "hamming_loss",
    "binary_accuracy",
    "ece",
    EXAMPLES,
)

# What models are compared by.
HEADLINE_NAMES: Final = (
    "micro_f1",
    "macro_f1",
    "precision@1",
    "ndcg@5",
    "lrap",
    "binary_accuracy",
)

LABEL_FIGURES: Final = ("support", "suggested", "precision", "recall", "f1", "pr_auc")


@dataclass(frozen=True)
class HeadlineSums:
    """What the metrics that models are compared by need of the examples that were scored.

    Attributes:
        suggested: Right and wrong suggestions.
        at_half: Right and wrong cells, had every label its threshold at 0.5.
        means: Sums over the examples of the metrics that are a mean of one number each.
    """

    suggested: LabelCounts
    at_half: LabelCounts
    means: dict[str, float]

    def plus(self, others: Sequence[HeadlineSums]) -> HeadlineSums:
        """Returns the sums over these and other examples."""
        parts = [self, *others]
        return HeadlineSums(
            suggested=reduce(add, (part.suggested for part in parts)),
            at_half=reduce(add, (part.at_half for part in parts)),
            means={name: sum(part.means[name] for part in parts) for name in self.means},
        )

    def figures(self) -> dict[str, float]:
        """Returns the metrics of HEADLINE_NAMES by name; needs an example."""
        found = {
            **{name: total / self.suggested.examples for name, total in self.means.items()},
            "micro_f1": classification.micro_f1(self.suggested),
            "macro_f1": classification.macro_f1(self.suggested),
            "binary_accuracy": classification.binary_accuracy(self.at_half),
        }
        return {name: found[name] for name in HEADLINE_NAMES}


@dataclass(frozen=True)
class MetricSums:
    """What all metrics need of the examples that were scored.

    Attributes:
        headline: What the headline metrics need, and the other means of one number an example.
        calibration: What `calibration.count_cells` counts, [3, bins].
        scores: Histogram of the probabilities of all cells.
    """

    headline: HeadlineSums
    calibration: NDArray[np.float64]
    scores: ScoreHistogram

    def plus(self, others: Sequence[MetricSums]) -> MetricSums:
        """Returns the sums over these and other examples."""
        parts = [self, *others]
        return MetricSums(
            headline=self.headline.plus([part.headline for part in others]),
            calibration=np.sum([part.calibration for part in parts], axis=0),
            scores=merge_scores([part.scores for part in parts]),
        )

    def figures(self) -> dict[str, float]:
        """Returns every metric by name, in the order of METRIC_NAMES; needs an example.

        `micro_` figures run over all cells and `macro_` ones over the labels of the vocabulary,
        those that never occur included; `samples_f1` over the examples. `coverage` is the share
        of the examples with at least one right suggestion and `suggestions` their mean number.
        `binary_accuracy` is at 0.5, what rests on suggestions at the model's own thresholds.
        """
        suggested = self.headline.suggested
        found = {
            **{name: total / suggested.examples for name, total in self.headline.means.items()},
            **self.headline.figures(),
            **{name: of(suggested) for name, of in _OF_SUGGESTIONS.items()},
            "suggestions": float(_suggestions(suggested).sum()) / suggested.examples,
            "micro_pr_auc": float(
                average_precision(self.scores, np.array([_true_labels(suggested)]))[0]
            ),
            "ece": expected_calibration_error(bins_from(self.calibration)),
            EXAMPLES: float(suggested.examples),
        }
        return {name: found[name] for name in METRIC_NAMES}


@dataclass(frozen=True)
class LabelSums:
    """What the figures of each label need of the examples that were scored.

    Attributes:
        suggested: Right and wrong suggestions.
        scores: Histogram of the probabilities, a row for each label.
    """

    suggested: LabelCounts
    scores: ScoreHistogram

    def plus(self, others: Sequence[LabelSums]) -> LabelSums:
        """Returns the sums over these and other examples."""
        parts = [self, *others]
        return LabelSums(
            suggested=reduce(add, (part.suggested for part in parts)),
            scores=merge_scores([part.scores for part in parts]),
        )

    def figures(self) -> dict[str, FloatVector | IntVector]:
        """Returns the figures of all labels by name, [L] each.

        `support` (examples where the label is true), `suggested` (where it is suggested),
        `precision`, `recall`, `f1`, and `pr_auc`; 0 where a figure is 0 / 0.
        """
        support = self.suggested.true_positives + self.suggested.false_negatives
        return {
            "support": support,
            "suggested": _suggestions(self.suggested),
            "precision": classification.label_precision(self.suggested),
            "recall": classification.label_recall(self.suggested),
            "f1": classification.label_f1(self.suggested),
            "pr_auc": average_precision(self.scores, support),
        }


def sum_headline(
    y_true: Array, probabilities: Array, suggested: Array, unknown: Array | None = None
) -> HeadlineSums:
    """Sums up a batch for the headline metrics; as in `sum_metrics`."""
    outside = checked_unknown(unknown, len(y_true))
    hits = hits_among_best(y_true, probabilities, 1)
    return _headline(y_true, probabilities, suggested, outside, {"precision@1": hits[:, 0]})


def sum_metrics(
    y_true: Array, probabilities: Array, suggested: Array, unknown: Array | None = None
) -> MetricSums:
    """Sums up a batch for all metrics.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L].
        suggested: What the model suggests, zeros and ones, [n, L].
        unknown: True labels outside the vocabulary, [n], always missed; None stands for all
            zero.

    Raises:
        ValueError: The shapes don't match, or a probability is NaN, below 0 or above 1.
    """
    outside = checked_unknown(unknown, len(y_true))
    # One sort for all of them: most of the time goes into sorting.
    hits = hits_among_best(y_true, probabilities, 5)
    true = y_true.astype(bool).sum(axis=1) + outside
    means = {
        **{f"precision@{k}": hits[:, k - 1] / k for k in (1, 3, 5)},
        "recall@5": hits[:, 4] / np.maximum(true, 1),
        "samples_f1": example_f1(y_true, suggested, outside),
        "coverage": example_is_covered(y_true, suggested),
    }
    return MetricSums(
        headline=_headline(y_true, probabilities, suggested, outside, means),
        calibration=count_cells(y_true, probabilities, outside),
        scores=count_scores(y_true, probabilities, per_label=False),
    )


def sum_labels(y_true: Array, probabilities: Array, suggested: Array) -> LabelSums:
    """Sums up a batch for each label; as in `sum_metrics`."""
    return LabelSums(
        suggested=count_labels(y_true, suggested, 0.5),
        scores=count_scores(y_true, probabilities, per_label=True),
    )


def _headline(
    y_true: Array,
    probabilities: Array,
    suggested: Array,
    unknown: IntVector,
    means: dict[str, FloatVector],
) -> HeadlineSums:
    means = {
        **means,
        "ndcg@5": ndcg_at_k(y_true, probabilities, 5, unknown),
        "lrap": lrap(y_true, probabilities, unknown),
    }
    return HeadlineSums(
        suggested=count_labels(y_true, suggested, 0.5, unknown),
        at_half=count_labels(y_true, probabilities, 0.5, unknown),
        means={name: float(values.sum()) for name, values in means.items()},
    )


_OF_SUGGESTIONS: Final = {
    "micro_precision": classification.micro_precision,
    "micro_recall": classification.micro_recall,
    "macro_precision": classification.macro_precision,
    "macro_recall": classification.macro_recall,
    "hamming_loss": classification.hamming_loss,
}


def _suggestions(counts: LabelCounts) -> IntVector:
    return counts.true_positives + counts.false_positives


def _true_labels(counts: LabelCounts) -> int:
    known = counts.true_positives.sum() + counts.false_negatives.sum()
    return int(known) + counts.unknown
