"""`arxiv-tagger run`, with the pipeline itself replaced by a stand-in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from pipeline.cli import run as run_module
from pipeline.config import Config, load_config
from pipeline.local.node_summary import PURPOSES
from pipeline.sample.generator import DEFAULT_ROWS
from tests.support.command_line import flat, invoke, paper_rows
from tests.support.node_results import result


@dataclass(frozen=True)
class Row:
    """A bound of the gate."""

    words: str
    passed: bool = False

    def __str__(self) -> str:
        return self.words


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Records what `run` would run; its model is blessed unless a test says otherwise."""
    seen = SimpleNamespace(calls=[], blessed=1, failed=[], shown=[])
    checks = [{"name": "answers over gRPC", "result": "passed", "message": ""}]

    def run_locally(config, data, output, console):
        seen.calls.append((config, data, output))
        evaluator = result("Evaluator", "blessing", blessed=seen.blessed)
        report = {
            "passed": not seen.failed,
            "server": "local model server",
            "checks": [*checks, *seen.failed],
        }
        (tmp_path / "infra_validation.json").write_text(json.dumps(report))
        infra = result("InfraValidator", "blessing", tmp_path)
        gate = [Row("lrap is low"), Row("precision@1 is fine", passed=True), Row("micro_f1 is low")]
        return SimpleNamespace(nodes={"Evaluator": evaluator, "InfraValidator": infra}, gate=gate)

    monkeypatch.setattr(run_module, "run_locally", run_locally)
    monkeypatch.setattr(
        run_module, "show_results", lambda _, result, output: seen.shown.append(output)
    )
    return seen


@pytest.fixture
def papers(tmp_path):
    """A small file of a given number of papers with one label set."""

    def write(*rows: str, name: str = "papers.csv", header: str = "titles,summaries,terms"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows, ""]))
        return path

    return write


def test_run_without_data_takes_the_sample_and_its_profile(runs, tmp_path):
    done = invoke("run", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    ((config, data, output),) = runs.calls
    assert config == load_config("sample")
    assert data == tmp_path / "out" / "data" / "sample.csv"
    assert len(pd.read_csv(data)) == DEFAULT_ROWS
    assert output == tmp_path / "out"
    assert runs.shown == [output]


def test_run_leaves_an_equal_sample_alone(runs, tmp_path):
    """TFX's fingerprint is size and time."""
    invoke("run", "--output", tmp_path / "out")
    sample = tmp_path / "out" / "data" / "sample.csv"
    before = sample.stat().st_mtime_ns
    invoke("run", "--output", tmp_path / "out", "--set", "trainer.epochs=1")
    assert sample.stat().st_mtime_ns == before
    assert runs.calls[1][0].trainer.epochs == 1


def test_run_on_a_file_takes_the_default_profile(runs, papers, tmp_path):
    path = papers(*paper_rows())
    invoke("run", "--data", path, "--output", tmp_path / "out")
    ((config, data, _),) = runs.calls
    assert (config, data) == (load_config("default"), path)


def test_run_on_an_address_downloads_it(runs, papers, tmp_path, monkeypatch):
    path = papers(*paper_rows())
    asked = []

    def fetch(url, folder, _):
        asked.append((url, folder))
        return path

    monkeypatch.setattr(run_module, "fetch", fetch)
    url = "https://example.org/papers.csv"
    assert invoke("run", "--data", url, "--output", tmp_path / "out").exit_code == 0
    assert asked == [(url, tmp_path / "out" / "data")]
    assert runs.calls[0][1] == path


def test_run_tells_of_a_missing_column_before_it_starts(runs, papers, tmp_path):
    path = papers(*paper_rows(), header="title,abstract,labels")
    done = invoke("run", "--data", path, "--output", tmp_path / "out")
    assert done.exit_code == 3
    assert "data.columns" in done.output
    assert runs.calls == []


def test_a_refused_model_is_shown_and_named(runs, tmp_path):
    runs.blessed = 0
    done = invoke("run", "--output", tmp_path / "out")
    assert done.exit_code == 5
    assert len(runs.shown) == 1
    assert "  lrap is low\n  micro_f1 is low\n" in done.output
    assert "nothing was pushed" in done.output
    assert "is fine" not in done.output


def test_a_model_that_cannot_be_served_is_named_with_its_failed_checks(runs, tmp_path):
    """Whatever the Evaluator's blessing says."""
    long = "\n".join(f"question {i}: INTERNAL: {'x' * 999}" for i in range(9))
    runs.failed = [
        {"name": "label names", "result": "failed", "message": "a label twice\nin paper 3"},
        {"name": "scores", "result": "failed", "message": long},
        {"name": "REST equals gRPC", "result": "skipped", "message": ""},
    ]
    done = invoke("run", "--output", tmp_path / "out")
    assert done.exit_code == 5
    assert len(runs.shown) == 1
    assert "  label names: a label twice\n    in paper 3\n" in done.output
    assert "nothing was pushed" in done.output
    assert str(tmp_path / "infra_validation.json") in done.output.replace("\n", "")
    for name in ("answers over gRPC", "REST equals gRPC", "lrap is low"):
        assert name not in done.output
    # What a server says may be long; the report has all of it.
    assert len(done.output) < 2000


def test_dry_run_shows_the_plan_and_does_nothing(runs, tmp_path):
    output = tmp_path / "out"
    done = invoke("run", "--dry-run", "--output", output, "--set", "trainer.epochs=7")
    assert done.exit_code == 0
    assert runs.calls == []
    assert not output.exists()
    for node, purpose in PURPOSES.items():
        assert f"{node} {purpose}" in flat(done.output)
    _, settings = done.output.split("Settings\n")
    config = Config.model_validate_json(json.dumps(yaml.safe_load(settings)))
    assert config == load_config("sample", ["trainer.epochs=7"])


def test_beams_short_form_sets_its_section(runs, papers):
    data = papers(*paper_rows())
    assert invoke("run", "--data", data, "--beam", "runner=direct,workers=2").exit_code == 0
    assert runs.calls[0][0] == load_config("default", ["beam.workers=2"])
    # What is set by name wins.
    invoke("run", "--data", data, "--beam", "workers=2", "--set", "beam.workers=3")
    assert runs.calls[1][0].beam.workers == 3


@pytest.mark.parametrize(
    ("beam", "message"),
    [
        ("workers", "must read key=value"),
        ("threads=2", "beam.threads: there is no such setting"),
        ("runner=dataflow", "whose machines can't reach files on this one"),
        ("runner=spark,workers=2", "spark takes its own arguments"),
    ],
)
def test_wrong_beam_settings_are_usage_errors(runs, papers, beam, message):
    done = invoke("run", "--data", papers(*paper_rows()), "--beam", beam)
    assert (done.exit_code, runs.calls) == (2, [])
    assert message in flat(done.output)
