"""Every metric from sums over batches, so that any number of examples is scored in parts.

Sums over disjoint sets of examples can be added in any order; the metrics are those of all
examples at once. An example without true labels counts as in scikit-learn: LRAP is 1; nDCG, P@k,
R@5, samples-F1 and coverage are 0, also where nothing is suggested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from components.metrics import classification
from components.metrics.calibration import (
    count_pairs,
    expected_calibration_error,
    likely_pairs,
)
from components.metrics.classification import (
    Addable,
    LabelCounts,
    count_labels,
    example_f1,
    example_is_covered,
    label_f1,
    label_precision,
    label_recall,
    macro_average,
)
from components.metrics.inputs import Array, FloatVector, IntVector, checked_unknown
from components.metrics.names import EXAMPLES, LABEL_METRICS, METRIC_NAMES, ComparedMetric
from components.metrics.ranking import hits_among_best, lrap, ndcg_at_k
from components.metrics.score_histogram import ScoreHistogram, average_precision, count_scores

COMPARED_NAMES: Final[tuple[str, ...]] = get_args(ComparedMetric)

# Metrics that are the mean of one number per example, in the order of the sums.
_COMPARED_MEANS: Final = ("precision@1", "ndcg@5", "lrap")
_OTHER_MEANS: Final = ("precision@3", "precision@5", "recall@5", "samples_f1", "coverage")


@dataclass(frozen=True)
class ComparedSums(Addable):
    """What the metrics of COMPARED_NAMES need to know of the examples.

    Attributes:
        suggested: Right and wrong suggestions.
        at_half: The same, if every label's threshold were 0.5.
        means: Sums over the examples of the metrics that are means, [3].
    """

    suggested: LabelCounts
    at_half: LabelCounts
    means: FloatVector

    def figures(self) -> dict[str, float]:
        """Returns the metrics of COMPARED_NAMES by name; needs at least one example."""
        means = (self.means / self.suggested.examples).tolist()
        found = {
            **dict(zip(_COMPARED_MEANS, means, strict=True)),
            "micro_f1": classification.micro_f1(self.suggested),
            "macro_f1": macro_average(label_f1(self.suggested)),
            "binary_accuracy": classification.binary_accuracy(self.at_half),
        }
        return {name: found[name] for name in COMPARED_NAMES}


@dataclass(frozen=True)
class MetricSums(Addable):
    """What all metrics need to know of the examples.

    Attributes:
        compared: What the metrics of COMPARED_NAMES need.
        means: Sums over the examples of the other metrics that are means, [5].
        calibration: What `calibration.count_pairs` counts, [3, 15].
        likely: The same of the pairs that are suggested or above 0.1.
        scores: Histogram of all probabilities.
    """

    compared: ComparedSums
    means: FloatVector
    calibration: NDArray[np.float64]
    likely: NDArray[np.float64]
    scores: ScoreHistogram

    def figures(self) -> dict[str, float]:
        """Returns every metric by name, in the order of METRIC_NAMES; needs an example.

        `binary_accuracy` is at 0.5; all other metrics of suggestions are at the model's own
        thresholds.
        """
        counts = self.compared.suggested
        true_labels = int(counts.true.sum()) + counts.unknown
        means = (self.means / counts.examples).tolist()
        found = {
            **dict(zip(_OTHER_MEANS, means, strict=True)),
            **self.compared.figures(),
            "micro_precision": classification.micro_precision(counts),
            "micro_recall": classification.micro_recall(counts),
            "macro_precision": macro_average(label_precision(counts)),
            "macro_recall": macro_average(label_recall(counts)),
            "hamming_loss": classification.hamming_loss(counts),
            "suggestions": float(counts.suggested.sum()) / counts.examples,
            "missed": float(counts.false_negatives.sum() + counts.unknown) / counts.examples,
            "extra": float(counts.false_positives.sum()) / counts.examples,
            "labels_found": float((counts.true_positives > 0).sum()),
            "labels_half_found": float((label_recall(counts) > 0.5).sum()),
            "micro_pr_auc": float(average_precision(self.scores, np.array([true_labels]))[0]),
            "ece": expected_calibration_error(self.calibration),
            "ece_suggested": expected_calibration_error(self.likely),
            EXAMPLES: float(counts.examples),
        }
        return {name: found[name] for name in METRIC_NAMES}


@dataclass(frozen=True)
class LabelSums(Addable):
    """What the metrics of each label need to know of the examples.

    Attributes:
        suggested: Right and wrong suggestions.
        scores: Histogram of the probabilities, a row for each label.
    """

    suggested: LabelCounts
    scores: ScoreHistogram

    def figures(self) -> dict[str, FloatVector | IntVector]:
        """Returns the metrics of LABEL_METRICS by name, [L] each; 0 where one is 0 / 0.

        `support` is the number of examples where the label is true, `suggested` where it is
        suggested, `missed` where it is true alone, `extra` where it is suggested alone.
        """
        counts = self.suggested
        values = (
            counts.true,
            counts.suggested,
            counts.false_negatives,
            counts.false_positives,
            label_precision(counts),
            label_recall(counts),
            label_f1(counts),
            average_precision(self.scores, counts.true),
        )
        return dict(zip(LABEL_METRICS, values, strict=True))


def sum_compared(
    y_true: Array, probabilities: Array, suggested: Array, unknown: Array | None = None
) -> ComparedSums:
    """Sums up a batch for the metrics of COMPARED_NAMES; arguments as in `sum_metrics`."""
    hits = hits_among_best(y_true, probabilities, 1)
    return _compared(y_true, probabilities, suggested, unknown, hits)


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
    means = (
        hits[:, 2] / 3,
        hits[:, 4] / 5,
        hits[:, 4] / np.maximum(true, 1),
        example_f1(y_true, suggested, outside),
        example_is_covered(y_true, suggested),
    )
    return MetricSums(
        compared=_compared(y_true, probabilities, suggested, outside, hits),
        means=_totals(means),
        calibration=count_pairs(y_true, probabilities, outside),
        likely=count_pairs(y_true, probabilities, among=likely_pairs(probabilities, suggested)),
        scores=count_scores(y_true, probabilities, per_label=False),
    )


def sum_labels(y_true: Array, probabilities: Array, suggested: Array) -> LabelSums:
    """Sums up a batch for each label; arguments as in `sum_metrics`."""
    return LabelSums(
        suggested=count_labels(y_true, suggested, 0.5),
        scores=count_scores(y_true, probabilities, per_label=True),
    )


def measure(
    y_true: Array, probabilities: Array, threshold: float, unknown: Array | None = None
) -> dict[str, float]:
    """Measures a whole split at once.

    Args:
        y_true: Multi-hot truth, [n, L], with at least one example.
        probabilities: Probabilities in [0, 1], [n, L].
        threshold: Minimum probability to suggest; compared in the probabilities' own type.
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.

    Returns:
        The metrics of METRIC_NAMES, and `threshold`.

    Raises:
        ValueError: The shapes don't match, a probability is NaN, below 0 or above 1, or there is
            no example.
    """
    if not len(y_true):
        raise ValueError("there is no example to score")
    suggested = probabilities >= np.asarray(threshold, dtype=probabilities.dtype)
    sums = sum_metrics(y_true, probabilities, suggested, unknown)
    return {**sums.figures(), "threshold": threshold, EXAMPLES: len(y_true)}


def _compared(
    y_true: Array,
    probabilities: Array,
    suggested: Array,
    unknown: Array | None,
    hits: NDArray[np.float64],
) -> ComparedSums:
    means = (
        hits[:, 0],
        ndcg_at_k(y_true, probabilities, 5, unknown),
        lrap(y_true, probabilities, unknown),
    )
    return ComparedSums(
        suggested=count_labels(y_true, suggested, 0.5, unknown),
        at_half=count_labels(y_true, probabilities, 0.5, unknown),
        means=_totals(means),
    )


def _totals(per_example: tuple[FloatVector, ...]) -> FloatVector:
    return np.array([values.sum() for values in per_example])
