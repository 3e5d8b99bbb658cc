"""Settings of the form of the file, as a person types them."""

import json

import pytest
from pydantic import ValidationError

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
