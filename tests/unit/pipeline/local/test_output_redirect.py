"""Redirection of the file descriptors, each in a process of its own: pytest has taken ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.local.output_redirect import output_to_log
from schema.errors import BadInputError

ROOT = Path(__file__).resolve().parents[4]


def run(script: str, log: Path) -> tuple[str, str]:
    """Runs a script and returns what reached its standard output and its standard error."""
    prelude = f"""
import os, subprocess, sys
from pathlib import Path
from pipeline.local.output_redirect import output_to_log
log = Path({str(log)!r})
descriptors = len(os.listdir("/proc/self/fd"))
"""
    closing = """
sys.stdout.write("out after\\n")
sys.stderr.write("err after\\n")
assert len(os.listdir("/proc/self/fd")) == descriptors
"""
    done = subprocess.run(
        [sys.executable, "-c", prelude + script + closing],
        cwd=ROOT,
        # An empty value is none: Python keeps a buffer, as it does for a person.
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_all_that_is_printed_goes_to_the_log(tmp_path):
    log = tmp_path / "logs" / "run.log"
    script = """
sys.stdout.write("out before\\n")
with output_to_log(log) as terminal:
    os.write(1, b"C to 1\\n")
    os.write(2, b"C to 2\\n")
    sys.stdout.write("Python to 1\\n")
    sys.stderr.write("Python to 2\\n")
    subprocess.run("echo child to 1; echo child to 2 >&2", shell=True, check=True)
    terminal.write("for a person: gr\\u00f6\\u00dfe \\udcff\\n")
"""
    out, err = run(script, log)
    assert out == "out before\nfor a person: größe ?\nout after\n"
    assert err == "err after\n"
    assert sorted(log.read_text().splitlines()) == [
        *("C to 1", "C to 2"),
        *("Python to 1", "Python to 2"),
        *("child to 1", "child to 2"),
    ]


def test_the_terminal_is_back_after_an_error_and_the_next_use_adds_to_the_log(tmp_path):
    script = """
for number in range(2):
    try:
        with output_to_log(log) as terminal:
            terminal.write("for a person\\n")
            sys.stdout.write(f"Python to 1, {number}\\n")
            raise KeyError("broken")
    except KeyError as error:
        sys.stdout.write(f"{error}\\n")
"""
    log = tmp_path / "run.log"
    told = "for a person\n'broken'\n" * 2
    assert run(script, log) == (f"{told}out after\n", "err after\n")
    assert log.read_text() == "Python to 1, 0\nPython to 1, 1\n"


def test_the_terminal_is_back_though_it_broke_off(tmp_path):
    """As with `arxiv-tagger run | head`: the message of the error still has to arrive."""
    script = """
reader, writer = os.pipe()
screen = os.dup(1)
os.dup2(writer, 1)
os.close(reader)
try:
    with output_to_log(log) as terminal:
        terminal.write("for nobody\\n")
except BrokenPipeError:
    sys.stderr.write("broke off\\n")
os.dup2(screen, 1)
os.close(screen)
os.close(writer)
"""
    assert run(script, tmp_path / "run.log") == ("out after\n", "broke off\nerr after\n")


def test_the_terminal_is_back_though_the_log_is_full():
    script = """
try:
    with output_to_log(log) as terminal:
        terminal.write("for a person\\n")
        sys.stdout.write("Python to 1\\n")
except OSError as error:
    sys.stderr.write(f"{error.strerror}\\n")
"""
    out, err = run(script, Path("/dev/full"))
    assert "for a person\n" in out
    assert out.endswith("out after\n")
    assert err == "No space left on device\nerr after\n"


@pytest.mark.parametrize("place", ["file/run.log", "folder"])
def test_a_log_that_cannot_be_written_is_told(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(BadInputError, match=r"Can't write to .*--output"),
        output_to_log(tmp_path / place),
    ):
        pass
