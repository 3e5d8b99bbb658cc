"""The file of a compiled pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pipeline.cloud.spec_file import check_name, write_spec
from schema.errors import BadInputError, UsageError

SPEC = {"root": {"dag": [1, 2.5, None, "ü"]}, "a": {}}


def test_the_suffix_decides_between_json_and_yaml(tmp_path):
    for name, read in (
        ("a.json", json.loads),
        ("a.yaml", yaml.safe_load),
        ("a.yml", yaml.safe_load),
    ):
        write_spec(SPEC, tmp_path / "new" / name)
        assert read((tmp_path / "new" / name).read_text("utf-8")) == SPEC
    with pytest.raises(UsageError, match=r"\.json, \.yaml or \.yml"):
        check_name(tmp_path / "a.txt")


def test_a_file_that_cannot_be_written_is_named():
    with pytest.raises(BadInputError, match=r"/dev/null/a\.json.*--output"):
        write_spec(SPEC, Path("/dev/null/a.json"))
