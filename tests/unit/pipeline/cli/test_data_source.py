"""The files that `--data` names, on an archive of spans."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.example_gen.settings import DataSettings
from pipeline.cli.data_source import find_data
from pipeline.terminal import Terminal
from tests.support.command_line import flat, invoke, paper_rows


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Spans 9 to 11 in the current folder: 20, 40 and 61 rows, the last one bad."""
    monkeypatch.chdir(tmp_path)
    for span in (9, 10, 11):
        folder = tmp_path / f"archive/span-{span}"
        folder.mkdir(parents=True)
        rows = paper_rows((span - 8) * 20) + ([] if span < 11 else ['"a","b","c"'])
        (folder / "papers.csv").write_text("\n".join(["titles,summaries,terms", *rows, ""]))
    return tmp_path / "archive"


PATTERN = "archive/span-{SPAN}/papers.csv"


def test_the_latest_spans_are_found_and_named(archive, capsys):
    settings = DataSettings(spans=2)
    found = find_data(PATTERN, Path(), Terminal(), settings)
    assert found == (PATTERN, [f"archive/span-{span}/papers.csv" for span in (10, 11)])
    assert flat(capsys.readouterr().out) == "Reading spans 10 to 11, 2 of 3 (2 files)."


def test_check_reads_the_spans(archive):
    done = invoke("check", "--data", PATTERN, "--set", "data.spans=0")
    text = flat(done.output)
    assert "Reading spans 9 to 11, 3 of 3 (3 files)." in text
    # The first 20 rows, and then the first 40, come again.
    assert "121 rows read" in text
    assert "60 repeats of an earlier paper" in text
    assert "archive/span-11/papers.csv, line 62: bad 'terms'" in text


def test_run_reports_a_wrong_older_file_before_it_starts(archive):
    (archive / "span-9/papers.csv").write_text("titles,summaries\na,b\n")
    done = invoke("run", "--data", PATTERN, "--set", "data.spans=0")
    assert done.exit_code == 3
    assert "archive/span-9/papers.csv, line 1: no column 'terms'" in flat(done.output)
