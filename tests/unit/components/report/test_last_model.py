"""What each label gained and lost, from two saved models, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score, recall_score

from components.metrics.bootstrap import Scored
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
SEEN = range(0, 300, 3)
# The last model calls its columns by these names.
LAST_LABELS = ["gone", *LABELS[:0:-1]]


def keys(records: list[bytes]) -> np.ndarray:
    texts = [tf.train.Example.FromString(each).features.feature for each in records]
    return paper_keys(
        *([text[name].bytes_list.value[0] for text in texts] for name in ("titles", "summaries"))
    )


def sampled(records: list[bytes]) -> SampledPapers:
    return SampledPapers(len(records), np.arange(len(records)), records)


@pytest.fixture(scope="module")
def last(tmp_path_factory):
    folder = tmp_path_factory.mktemp("last")
    saved_model = folder / "Format-Serving"
    save_model(saved_model)
    (saved_model / "assets" / "labels").write_text("".join(f"{each}\n" for each in LAST_LABELS))
    write_train_keys(str(folder), keys([RECORDS[row] for row in SEEN]))
    return str(folder)


def test_labels_that_both_models_know_are_compared_on_papers_new_to_the_last(last):
    truth = np.array([[label in true_labels(each) for label in LABELS] for each in RECORDS])
    # This model is right about its second label, and suggests no other.
    now = truth & (np.arange(len(LABELS)) == 1)
    own = Scored(truth.astype(np.float32), now.astype(np.float32), 0.5)
    found = against_last(own, LABELS, sampled(RECORDS), last, 0.95)
    new = np.flatnonzero(~np.isin(keys(RECORDS), keys([RECORDS[row] for row in SEEN])))
    assert 100 < new.size <= 200
    assert (found["papers"], found["new"], found["gone"]) == (new.size, LABELS[:1], ["gone"])
    scores = np.array([expected_scores(each) for each in RECORDS])
    silent = np.array([is_silent(each) for each in RECORDS])
    for row in found["labels"]:
        column = LABELS.index(row["label"])
        before = (scores[:, LAST_LABELS.index(row["label"])] >= np.float32(0.4)) & ~silent
        true, old, mine = (each[new] for each in (truth[:, column], before, now[:, column]))
        assert row["support"] == true.sum()
        for prefix, suggested in (("", mine), ("last_", old)):
            expected = f1_score(true, suggested), recall_score(true, suggested)
            assert (row[f"{prefix}f1"], row[f"{prefix}recall"]) == pytest.approx(expected)
        assert row["gained"] == ((mine == true) & (old != true)).sum()
        assert row["lost"] == ((mine != true) & (old == true)).sum()
    assert [row["label"] for row in found["labels"]] == LABELS[1:]
    # It is right more often about the others too, but only by suggesting none of them.
    assert [row["change"] for row in found["labels"]] == ["better", "", ""]
    assert found["labels"][1]["gained"] > 2 * found["labels"][1]["lost"]


def test_there_is_nothing_to_compare_without_a_new_paper_or_the_last_model(last, tmp_path):
    old = [RECORDS[row] for row in SEEN]
    own = Scored(np.zeros((len(old), 4), np.float32), np.zeros((len(old), 4), np.float32), 0.5)
    for folder in (last, str(tmp_path)):
        assert against_last(own, LABELS, sampled(old), folder, 0.95) is None
