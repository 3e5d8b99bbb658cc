"""Which thresholds suggest: one for all labels or each label's own; how a model tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from components.labels.threshold import Floats, tune_label_thresholds, tune_threshold
from components.metrics.classification import LabelCounts, count_labels, micro_f1
from components.metrics.inputs import Array, checked_unknown

GLOBAL: Final = "global"
HALF_F1: Final = "half_f1"
PER_LABEL: Final = "per_label"

_FOLDS: Final = 5

Kind = Literal["global", "half_f1", "per_label"]
_KINDS: Final[tuple[Kind, ...]] = (GLOBAL, HALF_F1, PER_LABEL)


@dataclass(frozen=True, eq=False)
class LabelThresholds:
    """The threshold of each label, and where they come from.

    Attributes:
        kind: Whether all labels share the best cut, share half of the best micro-F1, or each
            has its own.
        values: The thresholds, float32 [L].
        threshold: The one that all share; the best cut where each has its own.
        cross_fitted_micro_f1: What each kind reaches on validation papers that it was not
            tuned on; empty where nothing had to be chosen.
    """

    kind: Kind
    values: Floats
    threshold: float
    cross_fitted_micro_f1: dict[str, float] = field(default_factory=dict)


def choose_thresholds(
    y_true: Array,
    probabilities: Array,
    unknown: Array | None,
    best_cut: float,
    kind: Literal["global", "half_f1", "per_label", "auto"],
    shrinkage: float,
    seed: int,
) -> LabelThresholds:
    """Takes the thresholds that the settings ask for.

    `auto` splits the papers into five folds, tunes every kind on four of them and scores the
    fifth, in turn, and takes the kind that suggests best so: on the papers that they were tuned
    on, thresholds look better than they are, the more of them the more so.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L].
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.
        best_cut: The one of `tune_threshold` for these papers.
        kind: What is asked for.
        shrinkage: As `tune_label_thresholds` takes it.
        seed: Seed of the folds.

    Raises:
        ValueError: The shapes don't match or a probability is NaN.
    """
    outside = checked_unknown(unknown, len(y_true))
    reached: dict[str, float] = {}
    if kind == "auto":
        reached = _cross_fit(y_true, probabilities, outside, shrinkage, seed)
        # Of equals the simplest, which is named first.
        taken = max(_KINDS, key=lambda each: reached[each])
    else:
        taken = kind
    if taken == PER_LABEL:
        own = tune_label_thresholds(y_true, probabilities, outside, best_cut, shrinkage)
        return LabelThresholds(taken, own, best_cut, reached)
    shared = best_cut
    if taken == HALF_F1:
        shared = half_of_best_f1(y_true, probabilities, outside, best_cut)
    return LabelThresholds(taken, np.full(y_true.shape[-1], shared, np.float32), shared, reached)


def half_of_best_f1(
    y_true: Array, probabilities: Array, unknown: Array | None, best_cut: float
) -> float:
    """Computes half of the micro-F1 that the best cut reaches, as float32 holds it.

    Where probabilities are calibrated, the best threshold is half of the F1 that it reaches
    (Lipton, Elkan, Naryanaswamy 2014, Optimal Thresholding of Classifiers to Maximize F1
    Measure, theorem 1). F1 is flat around its best cut, so where that lies is mostly chance; how
    high it is, is not.

    Args:
        y_true: Multi-hot truth, [n, L].
        probabilities: Probabilities in [0, 1], [n, L].
        unknown: True labels outside the vocabulary, [n]; None stands for all zero.
        best_cut: The one of `tune_threshold` for these papers.
    """
    scores = probabilities.astype(np.float32)
    return float(np.float32(micro_f1(count_labels(y_true, scores, best_cut, unknown)) / 2))


def describe_thresholds(thresholds: LabelThresholds, labels: Sequence[str]) -> dict[str, Any]:
    """Returns what `model_info.json` says of a model's thresholds.

    `thresholds`, the kind; `label_thresholds`, by label, where each has its own; and
    `cross_fitted_micro_f1`, by kind, where validation chose.

    Args:
        thresholds: Those of the model.
        labels: The label vocabulary, in their order.
    """
    info: dict[str, Any] = {"thresholds": thresholds.kind}
    if thresholds.kind == PER_LABEL:
        info["label_thresholds"] = dict(zip(labels, thresholds.values.tolist(), strict=True))
    if thresholds.cross_fitted_micro_f1:
        info["cross_fitted_micro_f1"] = thresholds.cross_fitted_micro_f1
    return info


def _cross_fit(
    y_true: Array, probabilities: Array, outside: Array, shrinkage: float, seed: int
) -> dict[str, float]:
    """Returns the micro-F1 of every kind of thresholds, each fold scored by those of the rest."""
    fold_of = np.random.default_rng(seed).permutation(len(y_true)) % _FOLDS
    counts: dict[str, LabelCounts] = {}
    for fold in range(_FOLDS):
        here, rest = fold_of == fold, fold_of != fold
        others = (y_true[rest], probabilities[rest], outside[rest])
        cut = tune_threshold(*others)
        for kind in _KINDS:
            thresholds = choose_thresholds(*others, cut, kind, shrinkage, seed).values
            suggested = probabilities[here].astype(np.float32) >= thresholds
            scored = count_labels(y_true[here], suggested.astype(np.float32), 0.5, outside[here])
            counts[kind] = counts[kind] + scored if kind in counts else scored
    return {kind: micro_f1(of_kind) for kind, of_kind in counts.items()}
