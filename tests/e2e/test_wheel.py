"""The wheel, installed outside the checkout: its base alone, and with everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from schema import names
from tests.support.little_server import LittleServer, expected

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".tools" / "bin" / "uv"
LOCK = ROOT / "requirements.lock"


def run(*command: object, cwd: Path, status: int = 0, **environment: str) -> str:
    """Runs a command and returns what it prints; nothing of this environment is inherited."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + (done.stderr if status else "")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Path:
    """A folder outside the checkout."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built as the Dockerfile builds it."""
    folder = tmp_path_factory.mktemp("dist")
    locked = ("--require-hashes", "--build-constraints", LOCK)
    run(UV, "build", "--quiet", "--wheel", *locked, "--out-dir", folder, cwd=ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def base(wheel, elsewhere):
    """Runs a command of an environment with the base alone."""
    environment = wheel.parent / "venv"
    python = environment / "bin" / "python"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment, cwd=elsewhere)
    install = (UV, "pip", "install", "--quiet", "--python", python, "--constraint", LOCK)
    run(*install, wheel, cwd=elsewhere)

    def run_in_base(command: str, *arguments: object, status: int = 0) -> str:
        return run(environment / "bin" / command, *arguments, cwd=elsewhere, status=status)

    return run_in_base


def test_base_is_small_and_says_its_version(base):
    installed = (
        base(
            "python",
            "-c",
            "import importlib.metadata as m; print(*(each.name for each in m.distributions()))",
        )
        .lower()
        .split()
    )
    assert not {"tensorflow", "tensorflow-serving-api", "tfx", "apache-beam", "numpy"} & {
        *installed
    }
    assert version("arxiv-tagger") in base("arxiv-tagger", "--version")
    assert "query" in base("arxiv-tagger", "--help")


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_base_queries_a_server(base, elsewhere, protocol):
    with LittleServer() as server:
        to = (f"--{protocol}", "--address", server.address(protocol))
        answer = json.loads(base("arxiv-tagger", "query", *to, "--json", "größe"))
        (elsewhere / "papers.csv").write_text("titles,summaries\nT,A\n")
        base("arxiv-tagger", "query", *to, "--file", "papers.csv", "--output", f"{protocol}.jsonl")
    best = expected("größe")[0]
    assert answer["suggestions"][0] == {"label": best.label, "score": best.score, "suggested": True}
    (line,) = (elsewhere / f"{protocol}.jsonl").read_text().splitlines()
    assert json.loads(line)["suggestions"][0]["score"] == expected("T\nA")[0].score


def test_base_lists_and_releases_versions(base, elsewhere):
    pushed = elsewhere / "out" / "serving" / names.MODEL_NAME / "1700000000"
    (pushed / "assets.extra").mkdir(parents=True)
    (pushed / "saved_model.pb").touch()
    (pushed / "assets.extra" / "evaluation.json").write_text('{"micro_f1": 0.75}')
    base("arxiv-tagger", "release", "--stable", pushed.name)
    row = json.loads(base("arxiv-tagger", "models", "--json"))
    assert (row["version"], row["labels"], row["test"]) == (
        1700000000,
        ["stable"],
        {"micro_f1": 0.75},
    )


def test_base_checks_a_file(base):
    base("arxiv-tagger", "sample", "--rows", 200, "--output", "sample.csv")
    assert "can be used" in base("arxiv-tagger", "check", "--data", "sample.csv")


@pytest.mark.parametrize(
    ("command", "extra"), [("serve", "server"), ("predict", "server"), ("run", "pipeline")]
)
def test_missing_extra_is_named(base, command, extra):
    said = base("arxiv-tagger", command, status=2)
    assert f"pip install 'arxiv-tagger[{extra}]'" in said
    assert len(said.splitlines()) == 1


def test_wheel_compiles_from_outside_the_checkout(wheel, elsewhere):
    site = elsewhere / "site"
    zipfile.ZipFile(wheel).extractall(site)
    command = (sys.executable, "-m", "pipeline", "compile", "--target", "kubeflow")
    run(*command, "--output", "compiled.json", cwd=elsewhere, PYTHONPATH=str(site))
    text = (elsewhere / "compiled.json").read_text()
    assert "Trainer" in json.loads(text)["root"]["dag"]["tasks"]
    assert names.SCHEMA_IN_IMAGE.rpartition("/")[0] in text
    assert str(site) not in text
    assert str(ROOT) not in text
