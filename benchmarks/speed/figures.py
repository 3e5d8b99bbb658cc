"""The figures of quality that stand beside figures of speed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.splits import Truth
from components.labels.threshold import tune_threshold
from components.metrics.classification import count_labels, micro_f1
from components.metrics.ranking import lrap

Probabilities = NDArray[np.float32]


def score(
    validation: Truth, of_validation: Probabilities, test: Truth, of_test: Probabilities
) -> dict[str, float]:
    """Returns LRAP and micro-F1 of the test split, at the cut that is best on validation."""
    cut = tune_threshold(validation.multi_hot, of_validation, validation.unknown)
    counts = count_labels(test.multi_hot, of_test, cut, test.unknown)
    return {
        "lrap": float(lrap(test.multi_hot, of_test, test.unknown).mean()),
        "micro_f1": micro_f1(counts),
    }
