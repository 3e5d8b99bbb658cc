"""`arxiv-tagger compile`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.cli.compile import write_spec
from schema.errors import BadInputError
from tests.support.command_line import flat, invoke


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_compile_says_what_is_in_the_file_and_what_is_left_to_do(tmp_path, target):
    output = tmp_path / "new" / "pipeline.yaml"
    done = invoke("compile", "--target", target, "--output", output)
    assert done.exit_code == 0, done.output
    is_job = "pipelineSpec" in yaml.safe_load(output.read_text())
    assert is_job is (target == "vertex")
    assert str(output) in flat(done.output)
    assert "deploy.image" in done.output
    assert ("finds nothing of earlier runs" in done.output) is (target == "kubeflow")


def test_a_file_that_can_be_neither_is_refused_before_tfx_loads(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pipeline.cloud.compile", None)
    done = invoke("compile", "--target", "vertex", "--output", tmp_path / "pipeline.txt")
    assert done.exit_code == 2
    assert "must end in .json, .yaml or .yml" in flat(done.output)


@pytest.mark.parametrize(
    ("name", "read"),
    [("a.json", json.loads), ("a.yaml", yaml.safe_load), ("a.yml", yaml.safe_load)],
)
def test_the_suffix_decides_between_json_and_yaml(tmp_path, name, read):
    spec = {"root": {"dag": [1, 2.5, None, "ü"]}, "a": {}}
    write_spec(spec, tmp_path / "new" / name)
    assert read((tmp_path / "new" / name).read_text("utf-8")) == spec


def test_a_file_that_cannot_be_written_is_named():
    with pytest.raises(BadInputError, match=r"/dev/null/a\.json.*--output"):
        write_spec({}, Path("/dev/null/a.json"))
