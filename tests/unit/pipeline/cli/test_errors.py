"""How an error is told: a full disk is no fault of the program."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pipeline.cli.errors import report_errors


def told(work) -> Result:
    return CliRunner().invoke(click.command()(report_errors(work)))


def fill_a_device():
    with Path("/dev/full").open("w") as file:
        file.write("text")


def fill_a_database():
    with sqlite3.connect(":memory:") as store:
        store.execute("PRAGMA max_page_count = 1")
        store.execute("CREATE TABLE papers (title)")


def wrap():
    """Does as Beam does, which keeps the text alone."""
    raise RuntimeError("OSError: [Errno 28] No space left on device [while running 'Write']")


def follow():
    try:
        fill_a_device()
    except OSError as error:
        raise ValueError("unfinished file") from error


@pytest.mark.parametrize("work", [fill_a_device, fill_a_database, wrap, follow])
def test_a_full_disk_is_told_as_that(work):
    done = told(work)
    assert done.exit_code == 1
    assert done.output.startswith("Error: A disk is full")
    assert "Make room" in done.output
    assert "bug" not in done.output


@pytest.mark.parametrize("content", [b"no database", None], ids=["other", "cut"])
def test_a_damaged_index_is_told_as_that(tmp_path, content):
    path = tmp_path / "metadata.sqlite"
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE papers (title)")
        store.executemany("INSERT INTO papers VALUES (?)", [("x" * 9_999,)] * 9)
    path.write_bytes(content or path.read_bytes()[:8_192])
    done = told(lambda: sqlite3.connect(path).execute("SELECT * FROM papers").fetchall())
    assert done.exit_code == 1
    assert "metadata.sqlite, is damaged" in done.output
    assert "bug" not in done.output


def test_another_error_is_a_bug_and_its_text_does_not_act_on_the_terminal():
    def fail():
        raise ValueError("\x1b[2Jno such shape")

    done = told(fail)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ValueError: \\x1b[2Jno such shape\nThis is a bug")
