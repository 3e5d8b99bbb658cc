"""The slices that a paper belongs to, by hand."""

from __future__ import annotations

import pytest

from components.evaluator.paper_slices import (
    ABSTRACT_WORDS,
    ARCHIVE,
    MOST_ARCHIVES,
    NUMBER_OF_LABELS,
    RAREST_LABEL,
    PaperSlices,
)

VOCABULARY = ["cs.LG", "stat.ML", "68T45", "hep-th", "I.2.6; I.2.10", "q-bio.NC", "größe", "x.Y"]
SORTER = PaperSlices(VOCABULARY)


def of(labels=("cs.LG",), abstract="a"):
    return SORTER.of(list(labels), abstract)


@pytest.mark.parametrize(
    ("labels", "archive"),
    [
        (["cs.LG", "stat.ML"], "cs"),
        (["stat.ML", "cs.LG"], "stat"),
        (["hep-th"], "hep-th"),
        (["q-bio.QM"], "q-bio"),
        (["68T45", "cs.LG"], "other"),
        (["I.2.6; I.2.10"], "other"),
        (["größe"], "other"),
        (["math.OC"], "other"),
        ([], "other"),
    ],
)
def test_the_archive_is_that_of_the_first_label(labels, archive):
    assert of(labels)[ARCHIVE] == archive


def test_only_the_first_archives_of_the_vocabulary_have_a_slice():
    letters = [f"{chr(97 + row)}{chr(97 + column)}" for row in range(5) for column in range(5)]
    topics = [f"{name}.{part}" for name in letters for part in ("one", "two")]
    sorter = PaperSlices(["68T45", *topics])
    found = [sorter.of([topic], "")[ARCHIVE] for topic in topics]
    own = letters[:MOST_ARCHIVES]
    assert found == [name if name in own else "other" for name in letters for _ in range(2)]


@pytest.mark.parametrize(
    ("labels", "number"),
    [
        ([], "0"),
        (["cs.LG"], "1"),
        (["cs.LG", "unknown"], "2"),
        (["cs.LG", "cs.LG"], "1"),
        (list("abcd"), "4"),
        (list("abcde"), "5 or more"),
        (list("abcdefgh"), "5 or more"),
    ],
)
def test_labels_are_counted_including_unknown_ones(labels, number):
    assert of(labels)[NUMBER_OF_LABELS] == number


@pytest.mark.parametrize(
    ("words", "bucket"),
    [
        (0, "under 100"),
        (99, "under 100"),
        (100, "100 to 149"),
        (149, "100 to 149"),
        (150, "150 to 199"),
        (200, "200 to 249"),
        (249, "200 to 249"),
        (250, "250 or more"),
        (5_000, "250 or more"),
    ],
)
def test_words_are_split_at_white_space(words, bucket):
    assert of(abstract="\n wörd, \t" * words)[ABSTRACT_WORDS] == bucket


@pytest.mark.parametrize(
    ("labels", "rarest"),
    [
        (["cs.LG", "stat.ML"], "frequent"),
        (["cs.LG"], "frequent"),
        (["cs.LG", "68T45"], "rare"),
        (["cs.LG", "unknown"], "rare"),
    ],
)
def test_a_paper_is_rare_by_its_rarest_label(labels, rarest):
    """Of eight labels two are frequent."""
    assert of(labels)[RAREST_LABEL] == rarest


def test_of_few_labels_the_first_is_frequent():
    sorter = PaperSlices(["only"])
    assert sorter.of(["only"], "")[RAREST_LABEL] == "frequent"
