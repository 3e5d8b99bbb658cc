"""Temporary files of runs that are at work, done or killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.local.temporary_folder import own_temporary_folder

RUN = """
import sys, tempfile
from pipeline.local.temporary_folder import own_temporary_folder
with own_temporary_folder():
    print(tempfile.mkdtemp(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def base(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def begin_run() -> tuple[subprocess.Popen[str], Path]:
    """Another run, and a temporary folder that it has made."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return run, Path(run.stdout.readline().strip())


def test_a_run_has_a_folder_that_its_libraries_use_and_that_is_gone_at_the_end(base):
    with own_temporary_folder() as folder:
        assert folder.parent == base
        assert Path(tempfile.mkdtemp()).parent == folder
        child = subprocess.check_output(
            [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"], text=True
        )
        assert child.strip() == str(folder)
    assert list(base.iterdir()) == []
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(base)


def test_what_a_killed_run_left_is_removed_and_nothing_else_is(base):
    own = base / "arxiv-tagger-run-of-mine"
    own.mkdir()
    killed, left = begin_run()
    alive, used = begin_run()
    killed.kill()
    killed.wait()
    assert left.is_dir()
    with own_temporary_folder() as folder:
        assert set(base.iterdir()) == {own, used.parent, folder}
        assert used.is_dir()
    alive.communicate()
    assert list(base.iterdir()) == [own]
