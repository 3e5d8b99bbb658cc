"""The proofs on a real file: `make real DATA=FILE`."""

from __future__ import annotations

import json
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import runs

TABLE: list[tuple[str, str, str]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--data", help="CSV file in the form of the Keras example's")


@pytest.fixture(scope="session")
def data_path(request: pytest.FixtureRequest) -> Path:
    data = request.config.getoption("--data")
    if not data:
        pytest.fail("Name the real file with --data FILE.")
    return Path(data).resolve()


@pytest.fixture(scope="session")
def show():
    """Adds a row to the table at the end: what was looked at, what came out, what was asked."""

    def add(what: str, found: object, asked: object = "") -> None:
        TABLE.append((what, str(found), str(asked)))

    return add


@dataclass(frozen=True)
class RealRun:
    """A run of the whole pipeline on the real file."""

    output: Path
    told: str
    code: int
    seconds: float
    peak_bytes: int
    metrics: dict[str, float]


@pytest.fixture(scope="session")
def real_run(data_path: Path, tmp_path_factory: pytest.TempPathFactory) -> RealRun:
    """Runs the default profile, in a process of its own, from an empty folder."""
    output = tmp_path_factory.mktemp("real") / "out"
    start = time.monotonic()
    done = subprocess.run(
        runs.command("run", "--data", data_path, "--output", output),
        cwd=runs.REPOSITORY,
        env=runs.environment(),
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    metrics = json.loads((output / "metrics.json").read_text())
    return RealRun(output, told, done.returncode, seconds, peak, metrics)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not TABLE:
        return
    widths = [max(len(row[column]) for row in TABLE) for column in range(3)]
    terminalreporter.section("on the real file")
    for row in TABLE:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.write_line(line.rstrip())
