"""What must hold between the counts of a curation, and when they stop a run."""

import dataclasses

import pytest

from components.example_gen.curation_report import CurationReport, stop_reason
from components.example_gen.rows import DeadLetter
from components.example_gen.settings import Columns, DataSettings
from schema.errors import TaggerError

COUNTS = {
    "rows_read": 100,
    "dead_letters": 1,
    "repeats": 10,
    "after_dedup": 89,
    "label_sets": 20,
    "label_sets_once": 9,
    "label_set_rows_dropped": 9,
    "train": 70,
    "val": 5,
    "test": 5,
    "labels": 12,
    "distinct_words_train": 900,
}
REPORT = CurationReport(**COUNTS, kept=80)
LETTERS = [DeadLetter("x.csv", line, f"reason {line}", ("a",)) for line in (3, 7, 9, 11)]


def test_kept_is_the_sum_of_the_splits():
    assert CurationReport.from_counts(COUNTS) == REPORT


@pytest.mark.parametrize("name", ["rows_read", "dead_letters", "repeats", "after_dedup", "train"])
def test_a_lost_row_is_an_error(name):
    with pytest.raises(TaggerError, match="don't add up"):
        CurationReport.from_counts({**COUNTS, name: COUNTS[name] - 1})


def test_share_of_malformed_rows():
    assert stop_reason(REPORT, LETTERS[:1], DataSettings(max_bad_share=0.01)) is None
    report = dataclasses.replace(REPORT, dead_letters=4)
    message = stop_reason(report, LETTERS, DataSettings(max_bad_share=0.03))
    assert "4 of 100 rows (4.00%)" in message
    assert "x.csv, line 3: reason 3; x.csv, line 7: reason 7; x.csv, line 9: reason 9. " in message
    assert "line 11" not in message
    assert "arxiv-tagger check --data" in message


def test_nothing_left():
    report = dataclasses.replace(REPORT, kept=0, train=0, val=0, test=0)
    assert stop_reason(report, [], DataSettings()).startswith("nothing is left to train on")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_empty_split(split):
    report = dataclasses.replace(REPORT, **{split: 0})
    message = stop_reason(report, [], DataSettings())
    assert f"no papers are left for {split}:" in message
    assert "data.test_share" in message
    own = stop_reason(report, [], DataSettings(columns=Columns(split="part")))
    assert "'part'" in own
