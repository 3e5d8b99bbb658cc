"""`arxiv-tagger run`, with the pipeline itself replaced by a stand-in."""

from __future__ import annotations

import json
import os
import threading
from hashlib import sha256
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from pipeline.cli import data_source
from pipeline.cli import run as run_module
from pipeline.config import Config, load_config
from pipeline.local.node_summary import PURPOSES
from pipeline.sample.generator import DEFAULT_ROWS
from tests.support.command_line import flat, invoke, paper_rows


@pytest.fixture
def runs(monkeypatch):
    """Records what `run` would run, and the steps that follow."""
    seen = SimpleNamespace(calls=[], steps=[])

    def run_locally(config, data, output, console):
        seen.calls.append((config, data, output))
        seen.steps.append("run")

    monkeypatch.setattr(run_module, "run_locally", run_locally)
    for step in ("show_results", "refuse_unblessed"):
        monkeypatch.setattr(run_module, step, lambda *_, step=step: seen.steps.append(step))
    return seen


def test_run_without_data_takes_the_sample_and_its_profile(runs, tmp_path):
    done = invoke("run", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    ((config, data, output),) = runs.calls
    assert config == load_config("sample")
    assert data == tmp_path / "out" / "data" / "sample.csv"
    assert len(pd.read_csv(data)) == DEFAULT_ROWS
    assert output == tmp_path / "out"
    # A person sees the results of a refused model too.
    assert runs.steps == ["run", "show_results", "refuse_unblessed"]
    before = data.stat().st_mtime_ns
    invoke("run", "--output", tmp_path / "out", "--set", "trainer.epochs=1")
    # TFX's fingerprint is size and time, so the sample is not written again.
    assert data.stat().st_mtime_ns == before
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

    monkeypatch.setattr(data_source, "fetch", fetch)
    url = "https://example.org/papers.csv"
    assert invoke("run", "--data", url, "--output", tmp_path / "out").exit_code == 0
    assert asked == [(url, tmp_path / "out" / "data")]
    assert runs.calls[0][1] == path


def test_run_on_a_pipe_copies_it_into_the_output_folder(runs, papers, tmp_path):
    content = papers(*paper_rows()).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    stamps = []
    for _ in range(2):
        writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
        writer.start()
        done = invoke("run", "--data", tmp_path / "pipe", "--output", tmp_path / "out")
        writer.join()
        assert done.exit_code == 0, done.output
        stamps.append(runs.calls[-1][1].stat().st_mtime_ns)
    first, second = (data for _, data, _ in runs.calls)
    assert first == second == tmp_path / "out/data" / sha256(content).hexdigest() / "copy-of-pipe"
    assert first.read_bytes() == content
    # The same content keeps its time, by which TFX knows it.
    assert stamps[0] == stamps[1]


def test_run_tells_of_a_missing_column_before_it_starts(runs, papers, tmp_path):
    path = papers(*paper_rows(), header="title,abstract,labels")
    done = invoke("run", "--data", path, "--output", tmp_path / "out")
    assert done.exit_code == 3
    assert "data.columns" in done.output
    assert runs.calls == []


def test_dry_run_shows_the_plan_and_does_nothing(runs, tmp_path):
    output = tmp_path / "out"
    done = invoke("run", "--dry-run", "--output", output, "--set", "trainer.epochs=7")
    assert done.exit_code == 0
    assert runs.calls == []
    assert not output.exists()
    for node, purpose in PURPOSES.items():
        assert (f"{node} {purpose}" in flat(done.output)) == (node != "Tuner")
    _, settings = done.output.split("Settings, ")
    _, settings = settings.split("\n", 1)
    config = Config.model_validate_json(json.dumps(yaml.safe_load(settings)))
    assert config == load_config("sample", ["trainer.epochs=7"])


def test_dry_run_shows_where_each_value_is_set(runs, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "extends: sample\ndata:\n  columns: {title: null}\ngate: {floors: {lrap: 0.7}}\n"
    )
    options = ("--set", "gate.floors.micro_f1=0.2", "--set", "trainer={epochs: 7}")
    done = invoke("run", "--dry-run", "--profile", mine, *options)
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    for line in (
        f"title: null # {mine}, line 3",
        "text: summaries",
        "epochs: 7 # --set",
        "batch_size: 32 # sample, line",
        "micro_f1: 0.2 # --set",
        f"lrap: 0.7 # {mine}, line 4",
    ):
        assert any(each.startswith(line) for each in lines), line


def test_beams_short_form_sets_its_section(runs, papers):
    data = papers(*paper_rows())
    assert invoke("run", "--data", data, "--beam", "runner=direct, workers = 2").exit_code == 0
    assert runs.calls[0][0] == load_config("default", ["beam.workers=2"])
    # What is set by name wins.
    invoke("run", "--data", data, "--beam", "workers=2", "--set", "beam.workers=3")
    assert runs.calls[1][0].beam.workers == 3


@pytest.mark.parametrize(
    ("beam", "message"),
    [
        ("workers", "'beam.workers' must read section.key=value"),
        ("workers=2,", "'beam.' must read section.key=value"),
        ("workers=", "beam.workers: must be a whole number, got null"),
        ("threads=2", "beam.threads: there is no such setting"),
        ("runner=dataflow", "whose machines can't reach files on this one"),
        ("runner=spark,workers=2", "spark takes its own arguments"),
    ],
)
def test_wrong_beam_settings_are_usage_errors(runs, papers, beam, message):
    done = invoke("run", "--data", papers(*paper_rows()), "--beam", beam)
    assert (done.exit_code, runs.calls) == (2, [])
    assert message in flat(done.output)
