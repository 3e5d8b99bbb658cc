"""Small test splits, and what scikit-learn says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    label_ranking_average_precision_score,
    ndcg_score,
)


@dataclass(frozen=True)
class Split:
    """Truth [n, L], probabilities float32 [n, L], suggestions [n, L], unknown labels [n]."""

    truth: np.ndarray
    probabilities: np.ndarray
    suggested: np.ndarray
    unknown: np.ndarray

    def __len__(self) -> int:
        return len(self.truth)


def random_split(
    examples: int,
    labels: int,
    seed: int,
    density: float = 0.2,
    levels: int | None = None,
    most_unknown: int = 0,
    threshold: float = 0.5,
) -> Split:
    """A split at random; `levels` makes ties among the probabilities."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((examples, labels)) < density).astype(np.float32)
    # Better than chance, so that the figures tell one split from another.
    scores = 0.7 * rng.random((examples, labels)) + 0.3 * truth * rng.random((examples, labels))
    if levels:
        scores = np.floor(scores * levels) / levels
    probabilities = scores.astype(np.float32)
    return Split(
        truth=truth,
        probabilities=probabilities,
        suggested=(probabilities >= np.float32(threshold)).astype(np.float32),
        unknown=rng.integers(0, most_unknown + 1, examples),
    )


def scikit_learn_figures(split: Split) -> dict[str, float]:
    """Every figure of the Evaluator by scikit-learn, on all of the split at once.

    Labels outside the vocabulary become columns below all others, true where they are, and
    never suggested. One more column, never true and at the very bottom, changes nothing and
    lets scikit-learn rank a single label.
    """
    extra = np.arange(int(split.unknown.max()) + 1)
    more = extra[None, :] < split.unknown[:, None]
    lowest = split.probabilities.min() - 1.0 - extra
    truth = np.hstack([split.truth, more]).astype(int)
    scores = np.hstack([split.probabilities.astype(float), np.broadcast_to(lowest, more.shape)])
    suggested = np.hstack([split.suggested, np.zeros(more.shape)]).astype(int)
    cells = np.hstack([np.ones_like(split.truth), more]).astype(bool)
    return {
        "micro_f1": f1_score(truth, suggested, average="micro", zero_division=0),
        "macro_f1": np.mean(
            [
                f1_score(column, guess, zero_division=0)
                for column, guess in zip(split.truth.T, split.suggested.T, strict=True)
            ]
        ),
        **{f"precision@{k}": _precision(split, k) for k in (1, 3, 5)},
        "ndcg@5": ndcg_score(truth, scores, k=5),
        "lrap": label_ranking_average_precision_score(truth, scores),
        "binary_accuracy": accuracy_score(truth[cells], scores[cells] >= 0.5),
        "examples": float(len(split)),
    }


def _precision(split: Split, k: int) -> float:
    """Share of true labels among the k best; scikit-learn has no such figure."""
    hits = 0.0
    for row, scores in zip(split.truth, split.probabilities, strict=True):
        best = sorted(range(len(row)), key=lambda column, s=scores: (-s[column], column))[:k]
        hits += row[best].sum() / k
    return hits / len(split)
