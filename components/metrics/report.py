"""The figures of a whole split under the names that people compare models by."""

from __future__ import annotations

from components.metrics.classification import (
    binary_accuracy,
    count_labels,
    macro_f1,
    micro_f1,
)
from components.metrics.inputs import Array
from components.metrics.ranking import lrap, ndcg_at_k, precision_at_k


def figures(
    y_true: Array, probabilities: Array, threshold: float, unknown: Array | None = None
) -> dict[str, float]:
    """Scores a split: F1 at the threshold, binary accuracy at 0.5, and the ranking metrics.

    Args:
        y_true: Multi-hot truth, [n, L], with at least one example.
        probabilities: Probabilities, [n, L].
        threshold: Lowest probability that suggests.
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.

    Returns:
        micro_f1, macro_f1, precision@1, precision@3, precision@5, ndcg@5, lrap,
        binary_accuracy, threshold and examples.

    Raises:
        ValueError: The shapes don't match, a probability is NaN, or there is no example.
    """
    if not len(y_true):
        raise ValueError("there is no example to score")
    suggested = count_labels(y_true, probabilities, threshold, unknown)
    return {
        "micro_f1": micro_f1(suggested),
        "macro_f1": macro_f1(suggested),
        **{
            f"precision@{k}": float(precision_at_k(y_true, probabilities, k).mean())
            for k in (1, 3, 5)
        },
        "ndcg@5": float(ndcg_at_k(y_true, probabilities, 5, unknown).mean()),
        "lrap": float(lrap(y_true, probabilities, unknown).mean()),
        "binary_accuracy": binary_accuracy(count_labels(y_true, probabilities, 0.5, unknown)),
        "threshold": threshold,
        "examples": len(y_true),
    }
