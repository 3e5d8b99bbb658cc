"""Trains every baseline on the training papers, tunes it on validation, scores it on test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from components.baselines.linear_svc import decision_values, vectorize
from components.baselines.papers import TrainingPapers, collect, encode_labels
from components.baselines.results import BaselineScores
from components.baselines.settings import BaselineName, BaselineSettings
from components.labels.thresholds import tune_threshold
from components.metrics.sums import measure
from components.papers.raw_paper import RawPaper

_SEED: Final = 0
# All scores of `none` lie below so little, and its threshold far above.
_ALMOST_NOTHING: Final = np.float32(1e-6)
_NEVER: Final = 1.0

FloatMatrix = NDArray[np.float32]


def score_baselines(
    train: Iterable[RawPaper],
    validation: Sequence[RawPaper],
    test: Sequence[RawPaper],
    settings: BaselineSettings,
) -> list[BaselineScores]:
    """Computes the enabled baselines in the order of the settings.

    Args:
        train: Training papers, streamed once; at least one.
        validation: What thresholds are tuned on; at least one.
        test: What is scored; at least one.
        settings: Which baselines, and what they may cost.

    Returns:
        Each baseline's scores of the test papers. `none` suggests nothing, and has the labels
        in an order of chance, as who knows nothing has. `frequent` scores each label by its
        share of the training papers, so that its threshold stands for the k best labels
        (equally frequent ones come together). `linear_svc` scores by the logistic function of
        its decision value: in the right order, and 0.5 on the border, but no probability.

    Raises:
        BadInputError: `linear_svc` finds no words to learn from.
    """
    if not settings.enabled:
        return []
    learnt = collect(train, settings.max_examples, _SEED)
    val_truth, val_unknown = encode_labels(validation, learnt.labels)
    test_truth, test_unknown = encode_labels(test, learnt.labels)
    results = []
    for name in settings.enabled:
        val_scores, test_scores = _score(name, learnt, validation, test, settings.jobs)
        threshold = _NEVER if name == "none" else tune_threshold(val_truth, val_scores, val_unknown)
        results.append(
            BaselineScores(
                name=name,
                labels=learnt.labels,
                scores=test_scores,
                threshold=threshold,
                trained_on=len(learnt.sample) if name == "linear_svc" else learnt.count,
                figures=measure(test_truth, test_scores, threshold, test_unknown),
            )
        )
    return results


def _score(
    name: BaselineName,
    learnt: TrainingPapers,
    validation: Sequence[RawPaper],
    test: Sequence[RawPaper],
    jobs: int,
) -> tuple[FloatMatrix, FloatMatrix]:
    """Returns a baseline's scores of the validation and of the test papers."""
    if name == "linear_svc":
        return _score_linear_svc(learnt, validation, test, jobs)
    if name == "frequent":
        row = learnt.frequencies
        return np.tile(row, (len(validation), 1)), np.tile(row, (len(test), 1))
    return _chance(len(validation), learnt), _chance(len(test), learnt)


def _chance(papers: int, learnt: TrainingPapers) -> FloatMatrix:
    """Returns scores in an order of chance; equal ones would rank by the order of the columns."""
    shape = (papers, len(learnt.labels))
    return np.random.default_rng(_SEED).random(shape, np.float32) * _ALMOST_NOTHING


def _score_linear_svc(
    learnt: TrainingPapers, validation: Sequence[RawPaper], test: Sequence[RawPaper], jobs: int
) -> tuple[FloatMatrix, FloatMatrix]:
    texts = [[paper.text for paper in papers] for papers in (learnt.sample, validation, test)]
    train, others = vectorize(texts[0], texts[1:])
    truth, _ = encode_labels(learnt.sample, learnt.labels)
    val, held_out = (
        expit(values).astype(np.float32) for values in decision_values(train, truth, others, jobs)
    )
    return val, held_out
