"""The linear machines' odd cases and processes; `test_scoring` has scikit-learn's values."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from components.baselines import linear_svc
from components.baselines.linear_svc import decision_values, vectorize
from components.baselines.papers import encode_labels
from schema.errors import BadInputError
from tests.support.baseline_papers import LABELS, made_papers


@pytest.mark.parametrize("texts", [[], [""], ["", "a b . !"]])
def test_texts_without_words_are_refused(texts):
    with pytest.raises(BadInputError, match=r"no training paper has a word.*baselines\.enabled"):
        vectorize(texts, [["learning"]])


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


def test_labels_of_no_or_every_paper_get_infinite_values():
    papers = made_papers(120, 0)
    texts = [paper.text for paper in papers]
    truth, _ = encode_labels(papers, LABELS[:1])
    odd = np.column_stack([truth, np.zeros(120, bool), np.ones(120, bool)])
    for values in decision_values(texts, odd, [texts[:30], texts[:17]]):
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
