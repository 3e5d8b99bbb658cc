"""The contract of the command line: options, exit codes, messages, and what it may import."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from pipeline.cli import run as run_module
from pipeline.cli.main import COMMANDS, main
from schema import errors
from tests.support.command_line import flat, invoke, paper_rows, watch

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {
    "run": ["--data", "--profile", "--output", "--set", "--dry-run", "--debug"],
    "sample": ["--rows", "--seed", "--output", "--debug"],
    "check": ["--data", "--profile", "--set", "--debug"],
    "report": ["--output", "--open", "--debug"],
    "board": ["--output", "--training", "--port", "--debug"],
    "predict": ["--model", "--json", "--debug"],
    "serve": ["--model", "--model_name", "--model_base_path", "--port", "--rest_api_port"],
    "query": ["--rest", "--grpc", "--address", "--top", "--json", "--file", "--output"],
    "models": ["--serving", "--json"],
    "release": ["--stable", "--canary", "--serving"],
    "drift": ["--requests", "--model", "--reference", "--textfile", "--debug"],
    "compile": ["--target", "--profile", "--set", "--output", "--debug"],
    "submit": ["--target", "--profile", "--data", "--epochs", "--floor", "--dry-run"],
}
TENSORFLOW_AND_BEAM = {"tensorflow", "tfx", "apache_beam", "tensorflow_transform", "keras"}


def load(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


def test_help_names_every_command_with_its_own_first_sentence():
    done = invoke("--help")
    assert done.exit_code == 0
    assert set(COMMANDS) == set(OPTIONS)
    for name, sentence in COMMANDS.items():
        assert f"{name} {sentence}" in flat(done.output)
        assert f"{load(name).help}\n".partition("\n")[0] == sentence


@pytest.mark.parametrize(("command", "options"), OPTIONS.items())
def test_help_of_a_command_names_every_option(command, options):
    done = invoke(command, "--help")
    assert done.exit_code == 0
    for option in options:
        assert f" {option}" in done.output


def test_help_loads_nothing_heavy():
    codes, loaded = watch(["--help"])
    assert codes == [0]
    assert not loaded & {*TENSORFLOW_AND_BEAM, "rich", "pydantic", "yaml", "numpy", "httpx"}
    codes, loaded = watch(*([command, "--help"] for command in COMMANDS))
    assert set(codes) == {0}
    assert not loaded & {*TENSORFLOW_AND_BEAM, "pandas", "pyarrow", "sklearn", "matplotlib"}


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ["run", "--no-such-option"]),
        (2, ["no-such-command"]),
        (2, ["run", "--profile", "nosuch"]),
        (2, ["run", "--set", "trainer.bogus=1"]),
        (2, ["run", "--set", "trainer.epochs"]),
        (2, ["sample"]),
        (2, ["sample", "--rows", "0", "--output", "x.csv"]),
        (2, ["sample", "--output", "x.txt"]),
        (2, ["check"]),
        (2, ["check", "--data", "x.csv", "--set", "data.bogus=1"]),
        (2, ["report", "--output", "{folder}"]),
        (2, ["predict", "--model", "{folder}/none", "a text"]),
        (2, ["predict", "--model", "{folder}"]),
        (3, ["run", "--data", "{folder}/none.csv", "--output", "{folder}/out"]),
        (3, ["run", "--data", "{folder}/header.csv", "--output", "{folder}/out"]),
        (3, ["run", "--data", "gs://bucket/file.csv", "--output", "{folder}/out"]),
        (3, ["run", "--data", "http://127.0.0.1:9/file.csv", "--output", "{folder}/out"]),
        (3, ["run", "--output", "{folder}/header.csv/out"]),
        (3, ["sample", "--rows", "1", "--output", "{folder}/header.csv/x.csv"]),
        (3, ["check", "--data", "{folder}/none.csv"]),
        (3, ["check", "--data", "{folder}/header.csv"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_an_error_has_its_exit_code_and_one_message(tmp_path, code, arguments):
    (tmp_path / "header.csv").write_text("titles,summaries,terms\n")
    done = invoke(*(each.format(folder=tmp_path) for each in arguments))
    assert done.exit_code == code, done.output
    assert done.output.count("Error: ") == 1
    assert "Traceback" not in done.output
    assert "This is a bug" not in done.output


def test_what_needs_no_tensorflow_loads_none(tmp_path):
    verdict = {"state": "blessed", "reasons": [], "version": None}
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").touch()
    (tmp_path / "report" / "report.json").write_text(json.dumps({"verdict": verdict}))
    (tmp_path / "good.csv").write_text("\n".join(["titles,summaries,terms", *paper_rows(), ""]))
    codes = {
        "run --profile nosuch": 2,
        f"run --data {tmp_path}/none.csv": 3,
        "run --dry-run": 0,
        f"sample --rows 50 --output {tmp_path}/sample.csv": 0,
        f"check --data {tmp_path}/good.csv": 0,
        f"check --data {tmp_path}/none.csv": 3,
        f"report --output {tmp_path}": 0,
        f"predict --model {tmp_path}/none text": 2,
    }
    found, loaded = watch(*(command.split() for command in codes))
    assert dict(zip(codes, found, strict=True)) == codes
    assert not loaded & TENSORFLOW_AND_BEAM


@pytest.fixture
def failing(monkeypatch):
    """Lets `run` raise what it is called with."""

    def fail_with(error: BaseException) -> None:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(run_module, "resolve", fail)

    return fail_with


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("what to do"), 2),
        (errors.BadInputError("what to do"), 3),
        (errors.DataAnomalyError("what to do"), 4),
        (errors.RefusedError("what to do"), 5),
        (errors.TaggerError("what to do"), 1),
    ],
)
def test_each_kind_of_error_has_its_code(failing, error, code):
    failing(error)
    done = invoke("run")
    assert done.exit_code == code
    assert done.output == "Error: what to do\n"
    assert invoke("run", "--debug").exception is error


def test_a_bug_says_how_to_see_more(failing):
    failing(KeyError("lost"))
    done = invoke("run")
    assert done.exit_code == 1
    assert done.output == (
        "Error: KeyError: 'lost'\nThis is a bug; run again with --debug for the stack trace.\n"
    )
    assert isinstance(invoke("run", "--debug").exception, KeyError)


def test_without_a_writable_temporary_folder_the_cause_is_named(failing, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    failing(FileNotFoundError("No usable temporary directory"))
    done = invoke("run")
    assert done.exit_code == 1
    assert "TMPDIR" in done.output
    assert "This is a bug" not in done.output


def test_an_interruption_is_no_error(failing):
    failing(KeyboardInterrupt())
    done = invoke("run")
    assert done.exit_code == 1
    assert done.output == (
        "Interrupted.\nFinished work is kept: run the same command again to resume.\n"
    )


def test_it_is_a_program_and_its_errors_go_to_standard_error(tmp_path):
    """As the installed `arxiv-tagger` and as a module, with an exit code that a shell sees."""
    (entry,) = [
        line
        for line in (ROOT / "pyproject.toml").read_text().splitlines()
        if "arxiv-tagger =" in line
    ]
    assert entry == 'arxiv-tagger = "pipeline.cli.main:main"'
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "check", "--data", str(tmp_path / "none.csv")],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_the_version_is_that_of_the_package():
    done = invoke("--version")
    assert done.exit_code == 0
    assert importlib.metadata.version("arxiv-tagger") in done.output
