"""Settings of the form of the file, as a person types them."""

import json

import pytest
from pydantic import ValidationError

from components.example_gen.rows import read_rows
from components.example_gen.settings import DataSettings


def parse(**settings):
    return DataSettings.model_validate_json(json.dumps(settings))


@pytest.mark.parametrize(
    ("typed", "separator"), [("\\t", "\t"), ("\t", "\t"), (";", ";"), ("|", "|")]
)
def test_a_separator_is_a_character_and_a_tab_may_be_typed(typed, separator):
    assert parse(field_separator=typed).field_separator == separator


@pytest.mark.parametrize("typed", [";;", '"', "\n", "\\n"])
def test_other_separators_are_refused(typed):
    with pytest.raises(ValidationError, match="not one character that can separate fields"):
        parse(field_separator=typed)


def test_rows_are_read_by_the_form(tmp_path):
    path = tmp_path / "annif.tsv"
    path.write_text("a text\t['x', 'y']\n")
    columns = {"title": None, "text": "text", "labels": "uris"}
    settings = parse(field_separator="\\t", header=["text", "uris"], columns=columns)
    (row,) = read_rows(str(path), settings)
    assert (row.paper.abstract, row.paper.labels) == ("a text", ("x", "y"))
