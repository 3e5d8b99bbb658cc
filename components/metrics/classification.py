"""Metrics of suggested label sets, from counts per label that can be summed over batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.metrics.inputs import (
    Array,
    FloatVector,
    IntVector,
    checked_truth,
    checked_unknown,
)


@dataclass(frozen=True)
class LabelCounts:
    """What a threshold got right and wrong; two of them over the same labels can be added.

    Attributes:
        true_positives: Suggested and true, [L].
        false_positives: Suggested and not true, [L].
        false_negatives: True and not suggested, [L].
        unknown: True labels outside the vocabulary, which nothing can suggest.
        examples: How many examples were counted.
    """

    true_positives: IntVector
    false_positives: IntVector
    false_negatives: IntVector
    unknown: int
    examples: int

    def __add__(self, other: LabelCounts) -> LabelCounts:
        """Returns the counts over both sets of examples."""
        return LabelCounts(
            true_positives=self.true_positives + other.true_positives,
            false_positives=self.false_positives + other.false_positives,
            false_negatives=self.false_negatives + other.false_negatives,
            unknown=self.unknown + other.unknown,
            examples=self.examples + other.examples,
        )


def count_labels(
    y_true: Array, probabilities: Array, threshold: float | Array, unknown: Array | None = None
) -> LabelCounts:
    """Counts hits and misses per label where probability >= threshold suggests.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities, [n, L].
        threshold: Lowest probability that suggests, one for all labels or one for each, [L];
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
    """Share of the suggestions that are true, 0 where there is none.

    Equal to `sklearn.metrics.precision_score(average="micro", zero_division=0)`.
    """
    hits = int(counts.true_positives.sum())
    suggested = hits + int(counts.false_positives.sum())
    return hits / suggested if suggested else 0.0


def micro_recall(counts: LabelCounts) -> float:
    """Share of the true labels that are suggested, 0 where there is none.

    Equal to `sklearn.metrics.recall_score(average="micro", zero_division=0)`. Each true label
    outside the vocabulary is one more that is missed.
    """
    hits = int(counts.true_positives.sum())
    true = hits + int(counts.false_negatives.sum()) + counts.unknown
    return hits / true if true else 0.0


def micro_f1(counts: LabelCounts) -> float:
    """F1 over all cells, 2tp / (2tp + fp + fn), 0 where that is 0 / 0.

    Equal to `sklearn.metrics.f1_score(average="micro", zero_division=0)`. Each true label
    outside the vocabulary is one more false negative.
    """
    hits = 2 * int(counts.true_positives.sum())
    missed = int(counts.false_negatives.sum()) + counts.unknown
    total = hits + int(counts.false_positives.sum()) + missed
    return hits / total if total else 0.0


def label_precision(counts: LabelCounts) -> FloatVector:
    """Precision of each label of the vocabulary, [L]; 0 where it is never suggested.

    Equal to `sklearn.metrics.precision_score(average=None, zero_division=0)`.
    """
    return _shares(counts.true_positives, counts.true_positives + counts.false_positives)


def label_recall(counts: LabelCounts) -> FloatVector:
    """Recall of each label of the vocabulary, [L]; 0 where it is never true.

    Equal to `sklearn.metrics.recall_score(average=None, zero_division=0)`.
    """
    return _shares(counts.true_positives, counts.true_positives + counts.false_negatives)


def label_f1(counts: LabelCounts) -> FloatVector:
    """F1 of each label of the vocabulary, [L]; 0 where a label has no truth and no suggestion.

    Equal to `sklearn.metrics.f1_score(average=None, zero_division=0)`.
    """
    hits = 2 * counts.true_positives
    return _shares(hits, hits + counts.false_positives + counts.false_negatives)


def macro_precision(counts: LabelCounts) -> float:
    """Mean precision over all labels of the vocabulary, 0 for those that are never suggested.

    Equal to `sklearn.metrics.precision_score(average="macro", zero_division=0)` over every
    column. 0 where there is no label.
    """
    return _mean(label_precision(counts))


def macro_recall(counts: LabelCounts) -> float:
    """Mean recall over all labels of the vocabulary, 0 for those that are never true.

    Equal to `sklearn.metrics.recall_score(average="macro", zero_division=0)` over every column.
    Labels outside the vocabulary have no column and change nothing. 0 where there is no label.
    """
    return _mean(label_recall(counts))


def macro_f1(counts: LabelCounts) -> float:
    """Mean F1 over all labels of the vocabulary, those that never occur included.

    Equal to `sklearn.metrics.f1_score(average="macro", zero_division=0)` over every column.
    Labels outside the vocabulary have no column and change nothing. 0 where there is no label.
    """
    return _mean(label_f1(counts))


def binary_accuracy(counts: LabelCounts) -> float:
    """Share of the cells that are right; each label outside the vocabulary is one wrong cell.

    The usual figure takes the counts at threshold 0.5. 0 where there is no cell.
    """
    return 1.0 - hamming_loss(counts) if _cells(counts) else 0.0


def hamming_loss(counts: LabelCounts) -> float:
    """Share of the cells that are wrong; each label outside the vocabulary is one wrong cell.

    Equal to `sklearn.metrics.hamming_loss` where there is none of these. 0 where there is no
    cell.
    """
    wrong = int(counts.false_positives.sum()) + int(counts.false_negatives.sum())
    cells = _cells(counts)
    return (wrong + counts.unknown) / cells if cells else 0.0


def _cells(counts: LabelCounts) -> int:
    return counts.examples * counts.true_positives.size + counts.unknown


def _shares(parts: IntVector, wholes: IntVector) -> FloatVector:
    """Divides, 0 where that is 0 / 0."""
    result: FloatVector = np.divide(parts, wholes, out=np.zeros(parts.shape), where=wholes > 0)
    return result


def _mean(scores: FloatVector) -> float:
    return float(scores.mean()) if scores.size else 0.0
