"""One linear support vector machine for each label, on scikit-learn's TF-IDF.

It imports nothing but scikit-learn, so that the training processes start fast.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from joblib.externals.loky import get_reusable_executor
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from components.memory import release_memory
from schema.errors import BadInputError

C: Final = 0.5
MAX_FEATURES: Final = 153_000

_SEED: Final = 0
# Below this many characters times labels, starting processes takes longer than training.
_WORTH_PROCESSES: Final = 500_000_000
_MOST_PROCESSES: Final = 8
_NICE: Final = 19
# By default they would stay for five minutes and hold memory that Trainer needs.
_IDLE_SECONDS: Final = 10
_PARENT_SECONDS: Final = 1
# liblinear copies the features for each label. By default glibc hands that memory back to the
# system after each label, and to fetch it again takes a quarter of the time.
_KEEP_FREED_MEMORY: Final = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296"
    ":glibc.malloc.trim_threshold=8589934592"
}

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
    train: Sequence[str],
    truth: NDArray[np.bool_],
    others: Sequence[Sequence[str]],
    jobs: int = 0,
) -> list[FloatMatrix]:
    """Trains one support vector machine for each label and applies it to other papers.

    Many texts go to processes, so that other threads of this one can work in Python meanwhile.
    They aren't threads, since liblinear draws from one unguarded random generator per process.

    Args:
        train: Texts, n of them.
        truth: Multi-hot labels, [n, L], L at least 1.
        others: More lists of texts, m in each, none empty.
        jobs: Number of processes; 0 means one per core, at most 8.

    Returns:
        What `decide` returns on the features of `vectorize`.

    Raises:
        BadInputError: No training text has a word of two or more letters.
    """
    if sum(map(len, train)) * truth.shape[1] < _WORTH_PROCESSES:
        return decide(*vectorize(train, others), truth)
    processes = jobs or min(os.cpu_count() or 1, _MOST_PROCESSES)
    pool = get_reusable_executor(
        processes,
        timeout=_IDLE_SECONDS,
        env=_KEEP_FREED_MEMORY,
        initializer=begin_process,
        initargs=(os.getpid(),),
    )
    features, other_features = pool.submit(_vectorize_and_release, train, others).result()
    # Every so many labels, since those with many papers take longer and often stand together.
    parts = [
        pool.submit(decide, features, other_features, truth[:, first::processes])
        for first in range(processes)
    ]
    results = [np.empty((len(texts), truth.shape[1])) for texts in others]
    for first, part in enumerate(parts):
        for result, values in zip(results, part.result(), strict=True):
            result[:, first::processes] = values
    return results


def begin_process(parent: int) -> None:
    """Makes a process yield to others, and end with its parent, whose id is given.

    Trainer, which may run beside it, waits for the slower of its threads at each step. And where
    the parent is killed, loky's processes may wait for the rest of a message for ever.
    """

    def end_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        os._exit(1)

    os.nice(_NICE)
    threading.Thread(target=end_with_parent, daemon=True).start()


def _vectorize_and_release(*texts: Any) -> tuple[Any, list[Any]]:
    features = vectorize(*texts)
    # To count all n-grams took a gigabyte, which this process would keep while it trains.
    release_memory()
    return features


def stop_processes() -> None:
    """Ends the processes that work for another thread, which then gets an error."""
    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


def decide(train: Any, others: Sequence[Any], truth: NDArray[np.bool_]) -> list[FloatMatrix]:
    """Trains and applies the machines in this process.

    Equal to `OneVsRestClassifier(LinearSVC(C=0.5, random_state=0))`, except for labels in no or
    every training paper.

    Args:
        train: Sparse features, [n, V].
        others: More sparse features, [m, V] each.
        truth: Multi-hot labels, [n, L].

    Returns:
        Decision values for each of the others, [m, L]; positive means that the label applies,
        -inf or inf that it is in none or all of the training papers.
    """
    results = [np.empty((other.shape[0], truth.shape[1])) for other in others]
    for label, positive in enumerate(truth.T):
        if positive.all() or not positive.any():
            for result in results:
                result[:, label] = np.inf if positive.all() else -np.inf
            continue
        machine = LinearSVC(C=C, random_state=_SEED).fit(train, positive)
        for result, other in zip(results, others, strict=True):
            result[:, label] = machine.decision_function(other)
    return results
