"""Small test splits, and their metrics by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    label_ranking_average_precision_score,
    ndcg_score,
    precision_score,
    recall_score,
)

# Probabilities are multiples of it, so that no two share a bin of the histograms.
STEP = 1 / 256


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
    """A random split; `levels` makes ties among the probabilities."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((examples, labels)) < density).astype(np.float32)
    # Better than chance, so that the figures tell one split from another.
    scores = 0.7 * rng.random((examples, labels)) + 0.3 * truth * rng.random((examples, labels))
    if levels:
        scores = np.floor(scores * levels) / levels
    probabilities = on_grid(scores)
    return Split(
        truth=truth,
        probabilities=probabilities,
        suggested=(probabilities >= np.float32(threshold)).astype(np.float32),
        unknown=rng.integers(0, most_unknown + 1, examples),
    )


def on_grid(scores: np.ndarray) -> np.ndarray:
    """The scores as multiples of STEP, float32."""
    return (np.round(scores / STEP) * STEP).astype(np.float32)


def scikit_learn_figures(split: Split) -> dict[str, float]:
    """Every metric of the Evaluator by scikit-learn, on the whole split at once.

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
    micro = {"average": "micro", "zero_division": 0}
    return {
        "micro_f1": f1_score(truth, suggested, **micro),
        "micro_precision": precision_score(truth, suggested, **micro),
        "micro_recall": recall_score(truth, suggested, **micro),
        "macro_f1": _macro(f1_score, split),
        "macro_precision": _macro(precision_score, split),
        "macro_recall": _macro(recall_score, split),
        "samples_f1": f1_score(truth, suggested, average="samples", zero_division=0),
        **{f"precision@{k}": _hits(split, k).mean() / k for k in (1, 3, 5)},
        "recall@5": np.mean(_hits(split, 5) / np.maximum(truth.sum(axis=1), 1)),
        "ndcg@5": ndcg_score(truth, scores, k=5),
        "lrap": label_ranking_average_precision_score(truth, scores),
        "micro_pr_auc": _pr_auc(split),
        "coverage": np.mean([any(row) for row in (truth & suggested).tolist()]),
        "suggestions": np.mean([sum(row) for row in suggested.tolist()]),
        "missed": np.mean([sum(row) for row in (truth & ~suggested & 1).tolist()]),
        "extra": np.mean([sum(row) for row in (suggested & ~truth & 1).tolist()]),
        "labels_found": sum(recall > 0 for recall in scikit_learn_labels(split)["recall"]),
        "labels_half_found": sum(recall > 0.5 for recall in scikit_learn_labels(split)["recall"]),
        "hamming_loss": 1 - accuracy_score(truth[cells], suggested[cells]),
        "binary_accuracy": accuracy_score(truth[cells], scores[cells] >= 0.5),
        "ece": _calibration_error(split),
        "ece_suggested": _calibration_error(
            split, split.suggested.astype(bool) | (split.probabilities > 0.1)
        ),
        "examples": float(len(split)),
    }


def scikit_learn_labels(split: Split) -> dict[str, list[float]]:
    """The figures of each label of the vocabulary by scikit-learn."""
    columns = list(zip(split.truth.T, split.suggested.T, split.probabilities.T, strict=True))
    return {
        "support": [truth.sum() for truth, _, _ in columns],
        "suggested": [suggested.sum() for _, suggested, _ in columns],
        "missed": [confusion_matrix(t, s, labels=[0, 1])[1, 0] for t, s, _ in columns],
        "extra": [confusion_matrix(t, s, labels=[0, 1])[0, 1] for t, s, _ in columns],
        "precision": [precision_score(t, s, zero_division=0) for t, s, _ in columns],
        "recall": [recall_score(t, s, zero_division=0) for t, s, _ in columns],
        "f1": [f1_score(t, s, zero_division=0) for t, s, _ in columns],
        "pr_auc": [average_precision_score(t, p) if t.any() else 0.0 for t, _, p in columns],
    }


def _macro(metric, split: Split) -> float:
    columns = zip(split.truth.T, split.suggested.T, strict=True)
    return np.mean([metric(truth, guess, zero_division=0) for truth, guess in columns])


def _hits(split: Split, k: int) -> np.ndarray:
    """True labels among the k best of each example; scikit-learn has no such figure."""
    hits = []
    for row, scores in zip(split.truth, split.probabilities, strict=True):
        best = sorted(range(len(row)), key=lambda column, s=scores: (-s[column], column))[:k]
        hits.append(row[best].sum())
    return np.array(hits, dtype=float)


def _pr_auc(split: Split) -> float:
    """What lies outside the vocabulary is never found, so recall ends below 1."""
    known = split.truth.sum()
    if not known:
        return 0.0
    area = average_precision_score(split.truth.ravel(), split.probabilities.ravel())
    return area * known / (known + split.unknown.sum())


def _calibration_error(split: Split, among: np.ndarray | None = None) -> float:
    """Over 15 bins, by hand; a label outside the vocabulary is a true cell of probability 0."""
    missed = np.zeros(int(split.unknown.sum()) if among is None else 0)
    chosen = np.ones_like(split.truth, bool) if among is None else among
    cells = np.concatenate([split.probabilities[chosen], missed]).astype(float)
    truth = np.concatenate([split.truth[chosen], missed + 1])
    total = 0.0
    for number in range(15):
        here = (cells > number / 15) & (cells <= (number + 1) / 15)
        if number == 0:
            here |= cells == 0
        if here.any():
            total += here.sum() * abs(cells[here].mean() - truth[here].mean())
    return total / max(len(cells), 1)
