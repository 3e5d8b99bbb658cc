"""Which labels one model suggests better than another, by a test on the same papers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from components.metrics.inputs import Array, IntVector, checked_truth


def changed_labels(
    y_true: Array, suggested: Array, before: Array, *, level: float = 0.95
) -> tuple[IntVector, IntVector, NDArray[np.bool_]]:
    """Counts the papers on which a label is right now and was wrong before, and the reverse.

    Args:
        y_true: Multi-hot truth, [n, L].
        suggested: Multi-hot suggestions of a model, [n, L].
        before: Those of the other one, [n, L].
        level: 1 - level is the share of false discoveries to expect among the clear changes.

    Returns:
        Papers gained and papers lost, [L] each, and whether the two differ by more than chance,
        [L]: McNemar's exact test for each label, and the procedure of Benjamini and Hochberg
        over the labels that changed at all.

    Raises:
        ValueError: The shapes don't match.
    """
    right = checked_truth(y_true, suggested) == suggested.astype(bool)
    was_right = checked_truth(y_true, before) == before.astype(bool)
    gained: IntVector = (right & ~was_right).sum(axis=0)
    lost: IntVector = (was_right & ~right).sum(axis=0)
    changed = gained + lost > 0
    clear = np.zeros(gained.shape, dtype=bool)
    if changed.any():
        chance = 2 * stats.binom.cdf(np.minimum(gained, lost), gained + lost, 0.5)
        clear[changed] = stats.false_discovery_control(chance[changed].clip(0, 1)) <= 1 - level
    return gained, lost, clear
