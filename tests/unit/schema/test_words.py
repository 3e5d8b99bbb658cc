"""Sentences about papers, said of other things."""

from __future__ import annotations

import pytest

from schema.words import PAPERS, Words, plural


def words(item: str, **columns: str | None) -> Words:
    return Words.of_settings({"report": {"item": item}, "data": {"columns": columns}})


@pytest.mark.parametrize(
    ("sentence", "tickets", "issues"),
    [
        ("a paper from its title and abstract", "a ticket from its head and body",
         "an issue from its text"),
        ("Papers per label; an abstract", "Tickets per label; a body", "Issues per label; a text"),
        ("A title or an abstract", "A head or a body", "a text"),
        ("repeated titles, paper-label pairs", "repeated heads, ticket-label pairs",
         "repeated texts, issue-label pairs"),
        ("Subject areas for a paper", "Labels for a ticket", "Labels for an issue"),
        ("newspaper, <title>, </title>, title=1", "newspaper, <title>, </title>, title=1",
         "newspaper, <title>, </title>, title=1"),
    ],
)  # fmt: skip
def test_a_sentence_is_said_of_other_things(sentence, tickets, issues):
    assert words("ticket", title="head", text="body").of(sentence) == tickets
    assert words("issue", title=None, text="text").of(sentence) == issues
    assert PAPERS.of(sentence) == sentence
    assert words("user review").of("A paper") == "A user review"


def test_the_columns_of_the_arxiv_file_have_words_of_their_own():
    assert words("paper", title="titles", text="summaries") == PAPERS == Words.of_settings({})


def test_plurals():
    nouns = ["ticket", "entry", "essay", "box", "class", "search", "thesis"]
    assert [plural(noun) for noun in nouns] == [
        "tickets", "entries", "essays", "boxes", "classes", "searches", "theses",
    ]  # fmt: skip
