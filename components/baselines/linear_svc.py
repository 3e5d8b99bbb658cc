"""One linear support vector machine for each label, on scikit-learn's TF-IDF.

It imports nothing but scikit-learn, so that the training processes start fast.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC
from sklearn.utils.parallel import Parallel, delayed

from schema.errors import BadInputError

C: Final = 0.5
MAX_FEATURES: Final = 153_000

_SEED: Final = 0
# Below this many non-zero values times labels, starting processes takes longer than training.
_WORTH_PROCESSES: Final = 100_000_000
_MOST_PROCESSES: Final = 8
_IDLE_SECONDS: Final = 10

FloatMatrix = NDArray[np.float64]


def vectorize(train: Sequence[str], others: Sequence[Sequence[str]]) -> tuple[Any, list[Any]]:
    """Weights 1-grams and 2-grams by sublinear TF-IDF, the 153,000 most frequent ones of train.

    Args:
        train: Texts for the vocabulary and the document frequencies.
        others: More lists of texts, none empty.

    Returns:
        The sparse matrix of train, [n, V], and those of the others, as
        `TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=153000)` makes them.

    Raises:
        BadInputError: No training text has a word of two or more letters.
    """
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=MAX_FEATURES)
    if not any(vectorizer.build_analyzer()(text) for text in train):
        raise BadInputError(
            "The baseline linear_svc can't be trained: no training paper has a word of two or "
            "more letters. Remove linear_svc from baselines.enabled."
        )
    return vectorizer.fit_transform(train), [vectorizer.transform(texts) for texts in others]


def decision_values(
    train: Any, truth: NDArray[np.bool_], others: Sequence[Any], jobs: int = 0
) -> list[FloatMatrix]:
    """Trains one support vector machine for each label and applies it to other papers.

    Equal to `OneVsRestClassifier(LinearSVC(C=0.5, random_state=0))`, except for labels in no or
    every training paper. Labels are distributed over processes, not threads: liblinear releases
    Python's lock, but draws from one unguarded random generator per process.

    Args:
        train: Sparse features, [n, V].
        truth: Multi-hot labels, [n, L], L at least 1.
        others: More sparse features, [m, V] each.
        jobs: Number of processes; 0 means one per core, at most 8.

    Returns:
        Decision values for each of the others, [m, L]; positive means that the label applies,
        -inf or inf that it is in none or all of the training papers.
    """
    labels = truth.shape[1]
    processes = jobs or min(os.cpu_count() or 1, _MOST_PROCESSES)
    if train.nnz * labels < _WORTH_PROCESSES:
        processes = 1
    # By default they would stay for five minutes and hold memory that Trainer needs.
    columns = Parallel(n_jobs=processes, backend="loky", idle_worker_timeout=_IDLE_SECONDS)(
        delayed(_decide)(train, truth[:, label], others) for label in range(labels)
    )
    return [np.column_stack([column[place] for column in columns]) for place in range(len(others))]


def _decide(
    train: Any, positive: NDArray[np.bool_], others: Sequence[Any]
) -> list[NDArray[np.float64]]:
    """Returns one label's decision values, [m] for each of the others."""
    if positive.all() or not positive.any():
        value = np.inf if positive.all() else -np.inf
        return [np.full(other.shape[0], value) for other in others]
    machine = LinearSVC(C=C, random_state=_SEED).fit(train, positive)
    return [machine.decision_function(other) for other in others]
