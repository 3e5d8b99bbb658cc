"""What the executor publishes: TFX's blessing, the report and the server's log."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx import types
from tfx.components.pusher import executor as stock_pusher
from tfx.types import standard_artifacts

from components.infra_validator import component
from components.infra_validator.trial import Report
from components.papers.examples import parse_example
from schema.errors import BadInputError, TaggerError
from tests.support.artifacts import make_artifact
from tests.support.candidates import execute, make_examples


@pytest.fixture
def candidate(tmp_path) -> types.Artifact:
    return make_artifact(standard_artifacts.Model, tmp_path / "model")


@pytest.mark.parametrize(
    ("result", "blessed", "file"),
    [("passed", 1, "INFRA_BLESSED"), ("failed", 0, "INFRA_NOT_BLESSED")],
)
def test_the_blessing_is_as_tfx_has_it(
    candidate, tmp_path, monkeypatch, records, result, blessed, file
):
    check = {"name": "it loads", "result": result, "message": "a reason"}

    def try_candidate(model, papers, settings, folder, log) -> Report:
        expected = [parse_example(record) for record in records[:3]]
        assert (model, papers, settings.examples) == (candidate, expected, 3)
        assert folder.is_dir()
        Path(log).write_text("loaded")
        return Report("a server", len(papers), [check])

    monkeypatch.setattr(component, "try_candidate", try_candidate)
    examples = make_examples(tmp_path / "examples", "val", records)
    blessing, report = execute(candidate, examples, tmp_path / "blessing", examples=3)
    assert blessing.get_int_custom_property("blessed") == blessed
    assert {path.name for path in (tmp_path / "blessing").iterdir()} == {
        *(file, "infra_validation.json", "server.log")
    }
    assert (tmp_path / "blessing" / "server.log").read_text() == "loaded"
    assert report.pop("seconds") >= 0
    assert report == {
        "passed": bool(blessed),
        "server": "a server",
        "papers": 3,
        "checks": [check],
    }
    # TFX's own Pusher reads it so.
    model_blessing = make_artifact(standard_artifacts.ModelBlessing, tmp_path / "evaluated")
    model_blessing.set_int_custom_property("blessed", 1)
    inputs = {"model_blessing": [model_blessing], "infra_blessing": [blessing]}
    assert stock_pusher.Executor().CheckBlessing(inputs) is bool(blessed)


def test_nothing_is_published_if_the_machine_is_at_fault(candidate, tmp_path, monkeypatch, records):
    def try_candidate(*_: object) -> Report:
        raise TaggerError("no free port")

    monkeypatch.setattr(component, "try_candidate", try_candidate)
    examples = make_examples(tmp_path / "examples", "val", records)
    with pytest.raises(TaggerError, match="no free port"):
        execute(candidate, examples, tmp_path / "blessing")
    assert list((tmp_path / "blessing").iterdir()) == []


def test_an_empty_validation_split_is_refused(candidate, tmp_path):
    nothing = make_examples(tmp_path / "examples", "val", [])
    with pytest.raises(BadInputError, match=r"data\.validation_share"):
        execute(candidate, nothing, tmp_path / "blessing")
