"""Which labels to suggest, given the probabilities of all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Chosen = NDArray[np.bool_]

_MOST = 12
_CANDIDATES = 40


def best_expected_f1(probabilities: Probabilities) -> Chosen:
    """Chooses for each paper the labels with the highest expected F1, as if they were independent.

    These are its k most probable ones (Lewis 1995); k is found by the distributions of how many of
    them, and of how many others, are true (Ye et al. 2012, Optimizing F-measure: A Tale of Two
    Approaches).
    """
    ordered = -np.sort(-probabilities, axis=1)[:, :_CANDIDATES]
    papers, candidates = ordered.shape
    others = np.zeros((candidates + 1, papers, _MOST + 1))
    others[candidates, :, 0] = 1
    for place in range(candidates - 1, -1, -1):
        others[place] = _one_more(others[place + 1], ordered[:, place])
    hits = others[candidates]
    expected = np.zeros((papers, _MOST + 1))
    for k in range(1, _MOST + 1):
        hits = _one_more(hits, ordered[:, k - 1])
        for right in range(1, k + 1):
            for missed in range(_MOST + 1):
                share = 2 * right / (k + right + missed)
                expected[:, k] += share * hits[:, right] * others[k][:, missed]
    ranks = np.argsort(np.argsort(-probabilities, axis=1, kind="stable"), axis=1)
    chosen: Chosen = ranks < expected.argmax(axis=1)[:, np.newaxis]
    return chosen


def label_thresholds(probabilities: Probabilities, truth: Chosen, lowest: float) -> Probabilities:
    """Returns half of each label's best F1, or the lowest threshold where that is lower."""
    thresholds = np.full(truth.shape[1], lowest)
    for label in range(truth.shape[1]):
        order = np.argsort(-probabilities[:, label])
        hits = np.cumsum(truth[order, label])
        f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
        thresholds[label] = max(lowest, f1.max() / 2)
    return thresholds


def _one_more(counts: Probabilities, probability: Probabilities) -> Probabilities:
    """Adds a label to the distribution of how many are true, [n, most + 1]."""
    chance = probability[:, np.newaxis]
    added = counts * (1 - chance)
    added[:, 1:] += counts[:, :-1] * chance
    return added
