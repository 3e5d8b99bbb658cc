"""The linear machines against scikit-learn's own one-vs-rest."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from components.baselines import linear_svc
from components.baselines.linear_svc import decide, decision_values, vectorize
from components.baselines.papers import encode_labels
from schema.errors import BadInputError
from tests.support.baseline_papers import LABELS, made_papers


@pytest.fixture(scope="module")
def split():
    train, others = made_papers(120, 0), (made_papers(30, 1), made_papers(17, 2))
    matrix, rest = vectorize(
        [paper.text for paper in train], [[paper.text for paper in papers] for papers in others]
    )
    truth, _ = encode_labels(train, LABELS)
    return matrix, truth, rest


def one_vs_rest(matrix, truth, other):
    model = OneVsRestClassifier(LinearSVC(C=0.5, random_state=0)).fit(matrix, truth.astype(int))
    return model.decision_function(other)


@pytest.mark.parametrize("texts", [[], [""], ["", "a b . !"]])
def test_texts_without_words_are_refused(texts):
    with pytest.raises(BadInputError, match=r"no training paper has a word.*baselines\.enabled"):
        vectorize(texts, [["learning"]])


def test_decision_values_equal_one_vs_rest(split):
    matrix, truth, others = split
    found = decide(matrix, others, truth)
    assert [each.shape for each in found] == [(30, 5), (17, 5)]
    for other, values in zip(others, found, strict=True):
        np.testing.assert_array_equal(values, one_vs_rest(matrix, truth, other))


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_give_the_very_same_values(monkeypatch, jobs):
    papers = made_papers(120, 0)
    texts = [paper.text for paper in papers]
    truth, _ = encode_labels(papers, LABELS)
    alone = decision_values(texts, truth, [texts[:30], texts[:17]])
    monkeypatch.setattr(linear_svc, "_WORTH_PROCESSES", 0)
    shared_out = decision_values(texts, truth, [texts[:30], texts[:17]], jobs)
    for one, two in zip(alone, shared_out, strict=True):
        np.testing.assert_array_equal(one, two)


def test_labels_of_no_or_every_paper_get_infinite_values(split):
    matrix, truth, others = split
    odd = np.column_stack([truth[:, 0], np.zeros(120, bool), np.ones(120, bool)])
    for values in decide(matrix, others, odd):
        assert np.isfinite(values[:, 0]).all()
        assert (values[:, 1] == -np.inf).all()
        assert (values[:, 2] == np.inf).all()


WORKING = """
import os, time
from joblib.externals.loky import get_reusable_executor
from components.baselines.linear_svc import begin_process
pool = get_reusable_executor(1, initializer=begin_process, initargs=(os.getpid(),))
print(pool.submit(os.getpid).result(), flush=True)
pool.submit(time.sleep, 600).result()
"""


def test_processes_end_with_the_run_that_is_killed():
    run = subprocess.Popen([sys.executable, "-c", WORKING], stdout=subprocess.PIPE, text=True)
    # Empty once the process has ended.
    command = Path(f"/proc/{int(run.stdout.readline())}/cmdline")
    assert b"loky" in command.read_bytes()
    run.kill()
    run.wait()
    deadline = time.monotonic() + 60
    while command.exists() and command.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.1)
