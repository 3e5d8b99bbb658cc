"""What must hold between the counts of a curation, and when they stop a run."""

import dataclasses

import pytest

from components.example_gen.curation_report import CurationReport, stop_reason, warnings
from components.example_gen.rows import DeadLetter
from components.example_gen.settings import Columns, DataSettings
from schema.errors import TaggerError

COUNTS = {
    "rows_read": 100,
    "dead_letters": 1,
    "repeats": 7,
    "other_texts": 1,
    "unlabelled": 3,
    "after_dedup": 89,
    "label_sets": 20,
    "label_sets_once": 9,
    "label_set_rows_dropped": 9,
    "unlabelled_kept": 0,
    "train": 70,
    "val": 5,
    "test": 5,
    "labels": 12,
    "labels_left_out": 2,
    "several_labels": 30,
    "distinct_words_train": 900,
}
REPORT = CurationReport(**COUNTS, kept=80)
LETTERS = [DeadLetter("x.csv", line, f"reason {line}", ("a",)) for line in (3, 7, 9, 11)]


def test_kept_is_the_sum_of_the_splits():
    assert CurationReport.from_counts(COUNTS) == REPORT


@pytest.mark.parametrize("name", ["rows_read", "dead_letters", "repeats", "unlabelled", "train"])
def test_a_lost_row_is_an_error(name):
    with pytest.raises(TaggerError, match="don't add up"):
        CurationReport.from_counts({**COUNTS, name: COUNTS[name] - 1})


def test_share_of_malformed_rows():
    assert stop_reason(REPORT, LETTERS[:1], DataSettings(max_bad_share=0.01)) is None
    report = dataclasses.replace(REPORT, dead_letters=4)
    message = stop_reason(report, LETTERS, DataSettings(max_bad_share=0.03))
    assert "4 of 100 rows (4.00%)" in message
    assert message.endswith(
        "The first: x.csv, line 3: reason 3; line 7: reason 7; line 9: reason 9. Correct them "
        "or the settings, or raise the share"
    )
    other = [*LETTERS[:1], LETTERS[1]._replace(file="y.csv")]
    message = stop_reason(report, other, DataSettings(max_bad_share=0.03))
    assert "The first: x.csv, line 3: reason 3; y.csv, line 7: reason 7. " in message


def test_nothing_left():
    report = dataclasses.replace(REPORT, kept=0, train=0, val=0, test=0)
    assert stop_reason(report, [], DataSettings()).startswith("nothing is left to train on")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_empty_split(split):
    report = dataclasses.replace(REPORT, **{split: 0})
    message = stop_reason(report, [], DataSettings())
    assert f"no rows are left for {split}:" in message
    assert "data.test_share" in message
    own = stop_reason(report, [], DataSettings(columns=Columns(split="part")))
    assert "'part'" in own


def test_training_without_a_label_stops():
    report = dataclasses.replace(REPORT, labels=0, unlabelled_kept=80)
    assert stop_reason(report, [], DataSettings()).startswith("no row for training has a label")


def test_nothing_to_warn_of():
    assert warnings(REPORT, DataSettings(label_separator=";")) == []


def test_a_separator_that_separates_nothing():
    report = dataclasses.replace(REPORT, several_labels=0)
    settings = DataSettings(label_separator="|")
    (told,) = warnings(report, settings)
    assert "data.label_separator" in told
    assert "'|'" in told
    assert warnings(report, DataSettings()) == []
    malformed = dataclasses.replace(report, rows_read=1, dead_letters=1)
    assert not any("separator" in told for told in warnings(malformed, settings))


def test_repeats_of_a_title_with_other_texts():
    report = dataclasses.replace(REPORT, other_texts=2)
    (told,) = warnings(report, DataSettings())
    assert told.startswith("2 of 100 rows are dropped because their 'titles' occurs before")
    assert "data.dedup_by" in told


def test_lost_rows_are_told_with_every_step_and_its_setting():
    # 1 malformed, 1 repeat of a title alone, 3 without labels, 9 with a rare label set.
    (told,) = warnings(REPORT, DataSettings(warn_lost_share=0.14))
    assert told == (
        "14 of 100 rows (14.0%) are lost. Of them, malformed (correct them, or the settings): 1; "
        "the 'titles' of another row (set data.dedup_by): 1; no labels (set data.unlabelled to "
        "keep): 3; a label set in fewer than 2 rows (lower data.min_label_set_count): 9"
    )
    assert warnings(REPORT, DataSettings(warn_lost_share=0.15)) == []
    # Exact repeats are not lost.
    exact = dataclasses.replace(REPORT, repeats=90, other_texts=0)
    assert warnings(exact, DataSettings(warn_lost_share=0.14)) == []
