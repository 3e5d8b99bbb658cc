"""`arxiv-tagger predict`, with the model replaced by a stand-in."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from pipeline.cli import predict as predict_module
from serving.suggestion import Suggestion, Suggestions, Why
from tests.support.command_line import flat, invoke


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A folder that looks like a model, which finds every text's length in it."""
    (tmp_path / "saved_model.pb").touch()

    def suggest(texts, explain):
        why = Why({"deep [nets]": 1.5, "a": 0.25, "graph": -0.5}, 0.125, -1.0) if explain else None
        return [
            Suggestions(
                [
                    Suggestion(
                        "größe", len(text) / 100, True, "Size", None if text == "x" else why
                    ),
                    Suggestion("[cs.LG]", 0.0, False),
                ],
                known_share=float(text != "x"),
            )
            for text in texts
        ]

    models = {str(tmp_path): SimpleNamespace(suggest=suggest)}
    monkeypatch.setattr(predict_module, "load_model", models.__getitem__)
    return tmp_path


def test_predict_shows_labels_best_first(model):
    done = invoke("predict", "--model", model, "A  title\nand [text]", "x")
    assert done.exit_code == 0
    lines = [flat(line) for line in done.output.splitlines()]
    assert lines[0] == "A title and [text]"
    assert lines[1].startswith("* 0.190 größe █")
    assert lines[1].endswith(" Size")
    assert lines[2] == "0.000 [cs.LG]"
    assert lines[3] == "x"
    assert lines[4] == "No word of this text is known to the model."
    assert len(lines) == 7


def test_the_model_is_that_of_the_last_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no pushed version in out or" in flat(invoke("predict", "a text").output)


def test_predict_shows_the_words_for_a_label_beside_those_against_it(model):
    done = invoke("predict", "--model", model, "--explain", "ab")
    assert [line[12:] for line in done.output.splitlines()][2:-1] == [
        "   for                  against",
        " +1.50  deep [nets]   -0.50  graph",
        " +0.25  a",
        " +0.12  all other words, -1.00 bias",
    ]
    assert all(line == line.rstrip() for line in done.output.splitlines())
    assert "explanations" not in done.output
    unexplained = invoke("predict", "--model", model, "--explain", "x", "x").output
    assert unexplained.count("This model has no explanations.") == 1


def test_predict_writes_an_object_a_line_for_programs(model):
    done = invoke("predict", "--model", model, "--json", "ab", "")
    first, second = map(json.loads, done.output.splitlines())
    assert first == {
        "text": "ab",
        "suggestions": [
            {"label": "größe", "score": 0.02, "suggested": True, "name": "Size"},
            {"label": "[cs.LG]", "score": 0.0, "suggested": False},
        ],
        "known_share": 1.0,
    }
    assert second["text"] == ""


def test_predict_reads_a_text_from_each_line_of_standard_input(model):
    done = invoke("predict", "--model", model, "--json", input="\ufeffgröße\r\n\n  \r\nlast\r")
    assert [json.loads(line)["text"] for line in done.output.splitlines()] == ["größe", "last"]


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ("", 2, "no text"),
        (" \n\n", 2, "no text"),
        (b"fine\n\xff\xfe\n", 3, "standard input, line 2: is not UTF-8"),
    ],
)
def test_predict_without_a_text_is_an_error(model, given, code, message):
    done = invoke("predict", "--model", model, input=given)
    assert done.exit_code == code
    assert message in done.output


def test_predict_without_a_model_says_where_it_looked(tmp_path):
    done = invoke("predict", "--model", tmp_path, "text")
    assert done.exit_code == 2
    assert "no pushed version in" in done.output
