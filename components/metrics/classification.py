"""Metrics of suggested label sets: from counts per label that can be added, and per example.

All follow scikit-learn with `zero_division=0`. A true label outside the vocabulary can't be
suggested: it is one more false negative.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from components.metrics.inputs import (
    Array,
    FloatVector,
    IntVector,
    checked_truth,
    checked_unknown,
)

_Sums = TypeVar("_Sums", bound="Addable")


@dataclass(frozen=True)
class Addable:
    """Sums over examples; adding two field by field gives the sums over both sets of examples."""

    def __add__(self: _Sums, other: _Sums) -> _Sums:
        """Returns the sums over both sets of examples."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return type(self)(*(one + two for one, two in pairs))


@dataclass(frozen=True)
class LabelCounts(Addable):
    """Right and wrong suggestions; counts over the same labels can be added.

    Attributes:
        true_positives: Suggested and true, [L].
        false_positives: Suggested and not true, [L].
        false_negatives: True and not suggested, [L].
        unknown: True labels outside the vocabulary, which nothing can suggest.
        examples: Number of examples.
    """

    true_positives: IntVector
    false_positives: IntVector
    false_negatives: IntVector
    unknown: int
    examples: int

    @property
    def suggested(self) -> IntVector:
        """How often each label is suggested, [L]."""
        return self.true_positives + self.false_positives

    @property
    def true(self) -> IntVector:
        """How often each label of the vocabulary is true, [L]."""
        return self.true_positives + self.false_negatives


def count_labels(
    y_true: Array, probabilities: Array, threshold: float | Array, unknown: Array | None = None
) -> LabelCounts:
    """Counts hits and misses per label where probability >= threshold suggests.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities, [n, L].
        threshold: Minimum probability to suggest, one for all labels or one for each, [L];
            compared in the probabilities' own type.
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    truth = checked_truth(y_true, probabilities)
    outside = checked_unknown(unknown, truth.shape[0])
    suggested = probabilities >= np.asarray(threshold, dtype=probabilities.dtype)
    return LabelCounts(
        true_positives=(truth & suggested).sum(axis=0, dtype=np.int64),
        false_positives=(~truth & suggested).sum(axis=0, dtype=np.int64),
        false_negatives=(truth & ~suggested).sum(axis=0, dtype=np.int64),
        unknown=int(outside.sum()),
        examples=truth.shape[0],
    )


def micro_precision(counts: LabelCounts) -> float:
    """Share of suggestions that are true, as `precision_score(average="micro")`."""
    hits, suggested = int(counts.true_positives.sum()), int(counts.suggested.sum())
    return hits / suggested if suggested else 0.0


def micro_recall(counts: LabelCounts) -> float:
    """Share of true labels that are suggested, as `recall_score(average="micro")`."""
    hits, true = int(counts.true_positives.sum()), int(counts.true.sum()) + counts.unknown
    return hits / true if true else 0.0


def micro_f1(counts: LabelCounts) -> float:
    """2tp / (2tp + fp + fn) over all labels, as `f1_score(average="micro")`."""
    hits = 2 * int(counts.true_positives.sum())
    total = int(counts.suggested.sum()) + int(counts.true.sum()) + counts.unknown
    return hits / total if total else 0.0


def label_precision(counts: LabelCounts) -> FloatVector:
    """Precision of each label of the vocabulary, [L], as `precision_score(average=None)`."""
    return ratios(counts.true_positives, counts.suggested)


def label_recall(counts: LabelCounts) -> FloatVector:
    """Recall of each label of the vocabulary, [L], as `recall_score(average=None)`."""
    return ratios(counts.true_positives, counts.true)


def label_f1(counts: LabelCounts) -> FloatVector:
    """F1 of each label of the vocabulary, [L], as `f1_score(average=None)`."""
    return ratios(2 * counts.true_positives, counts.suggested + counts.true)


def macro_average(per_label: FloatVector) -> float:
    """Mean over all labels of the vocabulary, those that never occur included; 0 for no label.

    As scikit-learn's `average="macro"` over every column. Labels outside the vocabulary have no
    column and change nothing.
    """
    return float(per_label.mean()) if per_label.size else 0.0


def binary_accuracy(counts: LabelCounts) -> float:
    """Share of example-label pairs that are right, 0 for none; usually of counts at 0.5."""
    return 1.0 - hamming_loss(counts) if _pairs(counts) else 0.0


def hamming_loss(counts: LabelCounts) -> float:
    """Share of example-label pairs that are wrong, as `hamming_loss`; 0 for none.

    Each label outside the vocabulary is one more wrong pair.
    """
    wrong = int(counts.false_positives.sum()) + int(counts.false_negatives.sum())
    pairs = _pairs(counts)
    return (wrong + counts.unknown) / pairs if pairs else 0.0


def example_f1(y_true: Array, suggested: Array, unknown: Array | None = None) -> FloatVector:
    """F1 of the suggestions of each example, [n]; 0 where nothing is true and none suggested.

    Its mean is `f1_score(average="samples")`.

    Args:
        y_true: Multi-hot truth, [n, L].
        suggested: Multi-hot suggestions, [n, L].
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.

    Raises:
        ValueError: The shapes don't match.
    """
    truth = checked_truth(y_true, suggested)
    outside = checked_unknown(unknown, truth.shape[0])
    chosen = suggested.astype(bool)
    hits = 2 * (truth & chosen).sum(axis=1)
    return ratios(hits, truth.sum(axis=1) + chosen.sum(axis=1) + outside)


def example_is_covered(y_true: Array, suggested: Array) -> FloatVector:
    """1 for each example with at least one right suggestion, else 0, [n].

    Args:
        y_true: Multi-hot truth, [n, L].
        suggested: Multi-hot suggestions, [n, L].

    Raises:
        ValueError: The shapes don't match.
    """
    truth = checked_truth(y_true, suggested)
    covered: FloatVector = (truth & suggested.astype(bool)).any(axis=1).astype(np.float64)
    return covered


def _pairs(counts: LabelCounts) -> int:
    return counts.examples * counts.true_positives.size + counts.unknown


def ratios(parts: Array, wholes: Array) -> Array:
    """Divides, 0 where that is 0 / 0."""
    result: Array = np.divide(parts, wholes, out=np.zeros(parts.shape), where=wholes > 0)
    return result
