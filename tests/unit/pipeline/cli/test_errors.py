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


def test_another_error_is_a_bug_and_its_text_does_not_act_on_the_terminal():
    def fail():
        raise ValueError("\x1b[2Jno such shape")

    done = told(fail)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ValueError: \\x1b[2Jno such shape\nThis is a bug")
