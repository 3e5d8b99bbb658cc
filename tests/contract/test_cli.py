"""The contract of the command line: options, exit codes, messages, and what it may import."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli import commands
from pipeline.cli.main import main
from schema import errors

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "run": ["--data", "--profile", "--output", "--set", "--dry-run", "--debug"],
    "sample": ["--rows", "--seed", "--output", "--debug"],
    "check": ["--data", "--profile", "--set", "--debug"],
    "report": ["--output", "--open", "--debug"],
    "predict": ["--model", "--json", "--debug"],
    "serve": ["--model", "--model_name", "--model_base_path", "--port", "--rest_api_port"],
    "query": ["--rest", "--grpc", "--address", "--top", "--json", "--file", "--output"],
    "models": ["--serving", "--json"],
    "release": ["--stable", "--canary", "--serving"],
}
TENSORFLOW_AND_BEAM = {"tensorflow", "tfx", "apache_beam", "tensorflow_transform", "keras"}

# Runs a command and names the packages that it loaded.
WATCHER = """
import json, sys
from click.testing import CliRunner
from pipeline.cli.main import main
done = CliRunner().invoke(main, sys.argv[1:])
loaded = sorted({name.partition(".")[0] for name in sys.modules})
json.dump([done.exit_code, loaded], sys.stdout)
"""


def invoke(*arguments: object):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def watch(*arguments: object) -> tuple[int, set[str]]:
    """The exit code of a command in a fresh process, and the packages it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHER, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, loaded = json.loads(done.stdout)
    return code, set(loaded)


def test_help_names_every_command():
    done = invoke("--help")
    assert done.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.output
    assert set(main.commands) >= set(COMMANDS)


@pytest.mark.parametrize(("command", "options"), COMMANDS.items())
def test_help_of_a_command_names_every_option(command, options):
    done = invoke(command, "--help")
    assert done.exit_code == 0
    for option in options:
        assert f"  {option}" in done.output
    assert set(options) <= {
        name for parameter in main.commands[command].params for name in parameter.opts
    }


def test_options_have_the_promised_defaults():
    defaults = {
        (command, parameter.name): parameter.default
        for command in COMMANDS
        for parameter in main.commands[command].params
    }
    assert defaults["run", "output"] == "out"
    assert defaults["report", "output"] == "out"
    assert defaults["sample", "rows"] == 3_000
    assert defaults["check", "profile"] == "default"


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_loads_nothing_heavy(arguments):
    code, loaded = watch(*arguments)
    assert code == 0
    assert not loaded & {*TENSORFLOW_AND_BEAM, "rich", "pydantic", "yaml", "numpy", "httpx"}


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
    assert "fault of the program" not in done.output


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ["run", "--profile", "nosuch"]),
        (3, ["run", "--data", "{folder}/none.csv"]),
        (0, ["run", "--dry-run"]),
        (0, ["sample", "--rows", "50", "--output", "{folder}/sample.csv"]),
        (0, ["check", "--data", "{folder}/good.csv"]),
        (3, ["check", "--data", "{folder}/none.csv"]),
        (0, ["report", "--output", "{folder}"]),
        (2, ["predict", "--model", "{folder}/none", "a text"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_needs_no_tensorflow_loads_none(tmp_path, code, arguments):
    rows = [f'"Title {i}","Abstract {i}","[\'cs.LG\']"' for i in range(60)]
    verdict = {"state": "blessed", "reasons": [], "version": None}
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").touch()
    (tmp_path / "report" / "report.json").write_text(json.dumps({"verdict": verdict}))
    (tmp_path / "good.csv").write_text("\n".join(["titles,summaries,terms", *rows, ""]))
    found, loaded = watch(*(each.format(folder=tmp_path) for each in arguments))
    assert found == code
    assert not loaded & TENSORFLOW_AND_BEAM


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
def test_each_kind_of_error_has_its_code(monkeypatch, error, code):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(commands, "run_command", fail)
    done = invoke("run")
    assert done.exit_code == code
    assert done.output == "Error: what to do\n"
    assert invoke("run", "--debug").exception is error


def test_a_fault_of_the_program_says_how_to_see_more(monkeypatch):
    def fail(*_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(commands, "sample_command", fail)
    done = invoke("sample", "--output", "x.csv")
    assert done.exit_code == 1
    assert done.output.startswith("Error: KeyError: 'lost'\n")
    assert "--debug" in done.output
    assert isinstance(invoke("sample", "--output", "x.csv", "--debug").exception, KeyError)


def test_an_interruption_is_no_fault(monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run_command", interrupt)
    done = invoke("run")
    assert done.exit_code == 1
    assert "Interrupted" in done.output
    assert "Error" not in done.output


def test_options_reach_the_command(monkeypatch):
    seen = []
    monkeypatch.setattr(commands, "run_command", lambda *arguments: seen.append(arguments))
    options = ["--data", "a.csv", "--profile", "p", "--output", "o", "--dry-run"]
    done = invoke("run", *options, "--set", "a.b=1", "--set", "c.d=2")
    assert done.exit_code == 0, done.output
    invoke("run")
    assert seen == [
        ("a.csv", "p", Path("o"), ("a.b=1", "c.d=2"), True),
        (None, None, Path("out"), (), False),
    ]


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
