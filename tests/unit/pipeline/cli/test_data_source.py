"""The files that `--data` names, on an archive of spans."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.example_gen.settings import DataSettings
from pipeline.cli.data_source import find_data
from pipeline.terminal import Terminal
from schema.errors import BadInputError, UsageError
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


def find(data: str, spans: int = 1) -> tuple[str, list[str]]:
    return find_data(data, Path(), Terminal(), DataSettings(spans=spans))


@pytest.mark.parametrize(
    ("spans", "first", "message"),
    [
        (2, 10, "Reading spans 10 to 11, 2 of 3 (2 files)."),
        (0, 9, "Reading spans 9 to 11, 3 of 3 (3 files)."),
        (
            12,
            9,
            "Reading spans 9 to 11, 3 of 3 (3 files); data.spans asks for 12, but there are no "
            "more.",
        ),
    ],
)
def test_the_latest_spans_are_found(archive, capsys, spans, first, message):
    paths = [f"archive/span-{span}/papers.csv" for span in range(first, 12)]
    assert find(PATTERN, spans) == (PATTERN, paths)
    assert flat(capsys.readouterr().out) == message


def test_a_missing_span_is_named(archive):
    with pytest.raises(BadInputError, match=r"no span found: no file matches archive/part-"):
        find("archive/part-{SPAN}/papers.csv")
    (archive / "span-10").rename(archive / "gone")
    with pytest.raises(BadInputError, match="span 10 is missing between 9 and 11"):
        find(PATTERN, 0)


def test_an_address_has_no_spans():
    with pytest.raises(UsageError, match=r"\{SPAN\} works with files on this machine"):
        find("https://example.org/span-{SPAN}.csv")


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
