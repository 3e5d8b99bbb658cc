"""What a run lays beside TFX's artifacts, and what it takes away."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from pipeline.local.results import NodeResult, collect
from tests.support.node_results import FakeArtifact, bare_result

FIGURES = {"micro_f1": 0.7, "examples": 30.0}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The artifacts of a run, and an output folder."""
    # The real one needs TensorFlow.
    stub = SimpleNamespace(read_figures=lambda uri: FIGURES)
    monkeypatch.setitem(sys.modules, "components.evaluator.results", stub)
    root = tmp_path / "pipeline"
    files = {
        "curation/curation.json": "{}",
        "curation/dead_letters.jsonl": "",
        "model_run/plots/loss.svg": "picture",
        "model/Format-Serving/assets.extra/model_info.json": '{"threshold": 0.3}',
        "evaluation/metrics": "",
        "report/index.html": "the page",
        "report/report.json": "{}",
        "report/labels.tsv": "label\n",
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def node(name: str, *keys: str) -> NodeResult:
        return bare_result(name, **{key: [FakeArtifact(str(root / key))] for key in keys})

    results = {
        each.node_id: each
        for each in (
            node("CsvExampleGen", "curation"),
            node("Trainer", "model", "model_run"),
            node("Evaluator", "evaluation"),
            node("Report", "report"),
        )
    }
    output = tmp_path / "out"
    output.mkdir()
    return SimpleNamespace(root=root, results=results, output=output)


def names(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_a_person_wants_is_laid_out(run):
    metrics = collect(run.results, run.output)
    assert names(run.output) == {
        "metrics.json",
        "curation.json",
        "dead_letters.jsonl",
        "plots/loss.svg",
        "report/index.html",
        "report/report.json",
        "report/labels.tsv",
    }
    assert (run.output / "report" / "index.html").read_text() == "the page"
    assert metrics == {"micro_f1": 0.7, "examples": 30, "threshold": 0.3}
    assert json.loads((run.output / "metrics.json").read_text()) == metrics


def test_of_a_model_that_was_not_measured_no_older_figures_stay(run):
    collect(run.results, run.output)
    (run.root / "evaluation" / "not_evaluated.json").write_text("{}")
    (run.root / "report" / "labels.tsv").unlink()
    (run.root / "report" / "index.html").write_text("another page")
    assert collect(run.results, run.output) == {}
    assert (run.output / "report" / "index.html").read_text() == "another page"
    assert names(run.output).isdisjoint({"metrics.json", "report/labels.tsv"})
    assert {"report/index.html", "report/report.json"} <= names(run.output)
