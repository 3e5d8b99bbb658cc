import dataclasses

import pytest

from components.example_gen.report import (
    CurationReport,
    dead_letter_from_json,
    dead_letter_to_json,
    why_stop,
)
from components.example_gen.settings import DataSettings
from components.papers.csv_rows import Columns, DeadLetter
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
LETTERS = [DeadLetter("x.csv", line, f"reason {line}", ("a",)) for line in (3, 7, 9, 11)]


def test_kept_is_the_sum_of_the_splits_and_json_keeps_all():
    report = CurationReport.from_counts(COUNTS)
    assert report.kept == 80
    assert dataclasses.asdict(report) == {**COUNTS, "kept": 80}
    assert CurationReport.from_json(report.to_json()) == report


@pytest.mark.parametrize("name", ["rows_read", "dead_letters", "repeats", "after_dedup", "train"])
def test_a_lost_row_is_an_error(name):
    with pytest.raises(TaggerError, match="don't add up"):
        CurationReport.from_counts({**COUNTS, name: COUNTS[name] - 1})


def test_dead_letter_survives_json():
    letter = DeadLetter("gs://b/ä.csv", 12, 'bad "terms"', ("a\nb", "", "漢 \u2028"))
    line = dead_letter_to_json(letter)
    assert "\n" not in line
    assert dead_letter_from_json(line) == letter


def test_share_of_malformed_rows():
    report = CurationReport.from_counts(COUNTS)
    assert why_stop(report, LETTERS[:1], DataSettings(max_bad_share=0.01)) is None
    report = dataclasses.replace(report, dead_letters=4)
    message = why_stop(report, LETTERS, DataSettings(max_bad_share=0.03))
    assert message is not None
    assert "4 of 100 rows (4.00%)" in message
    assert "x.csv, line 3: reason 3; x.csv, line 7: reason 7; x.csv, line 9: reason 9. " in message
    assert "line 11" not in message
    assert "arxiv-tagger check --data" in message


def test_nothing_left():
    report = dataclasses.replace(CurationReport.from_counts(COUNTS), kept=0, train=0, val=0, test=0)
    message = why_stop(report, [], DataSettings())
    assert message is not None
    assert message.startswith("nothing is left to train on")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_empty_split(split):
    report = dataclasses.replace(CurationReport.from_counts(COUNTS), **{split: 0})
    message = why_stop(report, [], DataSettings())
    assert message is not None
    assert f"no paper is left for {split}:" in message
    assert "data.test_share" in message
    own = why_stop(report, [], DataSettings(columns=Columns(split="part")))
    assert own is not None
    assert "'part'" in own
