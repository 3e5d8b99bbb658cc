"""What each label gained and lost, from two saved models, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from components.metrics.bootstrap import Scored
from components.papers.examples import parse_example
from components.papers.paper_keys import paper_keys, write_train_keys
from components.report.last_model import against_last
from components.report.scoring import SampledPapers
from tests.support.report_served import (
    LABELS,
    draw_papers,
    expected_scores,
    is_silent,
    save_model,
    true_labels,
)

RECORDS = draw_papers(300)
PAPERS = [parse_example(record) for record in RECORDS]
KEYS = paper_keys(*([getattr(p, key).encode() for p in PAPERS] for key in ("title", "abstract")))
# The last model calls its columns by these names.
LAST_LABELS = ["gone", *LABELS[:0:-1]]


def against(folder, now: np.ndarray, rows: np.ndarray):
    truth = np.array([[label in true_labels(RECORDS[row]) for label in LABELS] for row in rows])
    own = Scored(truth.astype(np.float32), (truth & now).astype(np.float32), 0.5)
    papers = SampledPapers(len(rows), rows, [RECORDS[row] for row in rows])
    return own, against_last(own, LABELS, papers, str(folder), 0.95)


@pytest.fixture(scope="module")
def last(tmp_path_factory):
    """A model that was trained on every third paper."""
    folder = tmp_path_factory.mktemp("last")
    save_model(folder / "Format-Serving")
    labels = folder / "Format-Serving" / "assets" / "labels"
    labels.write_text("".join(f"{each}\n" for each in LAST_LABELS))
    write_train_keys(str(folder), KEYS[::3])
    return folder


def test_labels_that_both_models_know_are_compared_on_papers_new_to_the_last(last):
    # This model is right about its second label, and suggests no other.
    own, found = against(last, np.arange(len(LABELS)) == 1, np.arange(300))
    new = np.flatnonzero(~np.isin(KEYS, KEYS[::3]))
    assert 100 < new.size <= 200
    assert (found["papers"], found["new"], found["gone"]) == (new.size, LABELS[:1], ["gone"])
    suggested = np.array([expected_scores(each) for each in RECORDS]) >= np.float32(0.4)
    suggested &= ~np.array([is_silent(each) for each in RECORDS])[:, np.newaxis]
    for row in found["labels"]:
        column = LABELS.index(row["label"])
        true, now = own.y_true[new, column] > 0, own.suggested[new, column]
        before = suggested[new, LAST_LABELS.index(row["label"])]
        assert row["support"] == true.sum()
        assert (row["f1"], row["recall"]) == (f1_score(true, now), recall_score(true, now))
        assert row["last_f1"] == pytest.approx(f1_score(true, before))
        assert row["last_recall"] == pytest.approx(recall_score(true, before))
        assert row["gained"] == ((now == true) & (before != true)).sum()
        assert row["lost"] == ((now != true) & (before == true)).sum()
    # It is right more often about the others too, but only by suggesting none of them.
    changes = {row["label"]: row["change"] for row in found["labels"]}
    assert changes == dict(zip(LABELS[1:], ("better", "", ""), strict=True))
    assert found["labels"][1]["gained"] > 2 * found["labels"][1]["lost"]


def test_there_is_nothing_to_compare_without_a_new_paper_or_the_last_model(last, tmp_path):
    nothing, seen = np.zeros(len(LABELS), bool), np.arange(0, 300, 3)
    for folder in (last, tmp_path):
        assert against(folder, nothing, seen)[1] is None
