"""Trains every baseline on the training papers, tunes it on validation, scores it on test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from components.baselines.linear_svc import decision_values
from components.baselines.papers import TrainingPapers, collect, encode_labels
from components.baselines.results import BaselineScores
from components.baselines.settings import BaselineName, BaselineSettings
from components.labels.thresholds import tune_threshold
from components.metrics.sums import measure
from components.papers.raw_paper import RawPaper

_SEED: Final = 0
# All scores of `none` are below, and its threshold is far above.
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
        train: Training papers, read once; at least one.
        validation: Papers to tune thresholds on; at least one.
        test: Papers to score; at least one.
        settings: Which baselines, and what they may cost.

    Returns:
        Each baseline's scores for the test papers. `none` suggests nothing and ranks labels at
        random. `frequent` scores each label by its share of the training papers, so that its
        threshold picks the k most frequent labels (with ties). `linear_svc` scores by the
        logistic function of its decision values: these rank correctly, and are 0.5 at the
        decision boundary, but are not probabilities.

    Raises:
        BadInputError: The training papers have no words for `linear_svc`.
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
    """Returns a baseline's scores for the validation and the test papers."""
    if name == "linear_svc":
        texts = [[paper.text for paper in papers] for papers in (learnt.sample, validation, test)]
        truth, _ = encode_labels(learnt.sample, learnt.labels)
        values = decision_values(texts[0], truth, texts[1:], jobs)
        return expit(values[0]).astype(np.float32), expit(values[1]).astype(np.float32)
    if name == "frequent":
        row = learnt.frequencies
        return np.tile(row, (len(validation), 1)), np.tile(row, (len(test), 1))
    return _random_scores(len(validation), learnt), _random_scores(len(test), learnt)


def _random_scores(papers: int, learnt: TrainingPapers) -> FloatMatrix:
    """Returns random scores; equal ones would rank labels by their column."""
    shape = (papers, len(learnt.labels))
    return np.random.default_rng(_SEED).random(shape, np.float32) * _ALMOST_NOTHING
