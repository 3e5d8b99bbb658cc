"""The files that `--data` names, on an archive of spans."""

from __future__ import annotations

import pytest

from components.example_gen.settings import DataSettings
from pipeline.local.data_files import find_data, split_data_path
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
def test_the_latest_spans_are_found(archive, spans, first, message):
    paths = [f"archive/span-{span}/papers.csv" for span in range(first, 12)]
    assert find_data(PATTERN, DataSettings(spans=spans)) == (paths, message)


def test_a_missing_span_is_named(archive):
    with pytest.raises(BadInputError, match=r"no span found: no file matches archive/part-"):
        find_data("archive/part-{SPAN}/papers.csv", DataSettings())
    (archive / "span-10").rename(archive / "gone")
    with pytest.raises(BadInputError, match="span 10 is missing between 9 and 11"):
        find_data(PATTERN, DataSettings(spans=0))


def test_an_address_has_no_spans():
    with pytest.raises(UsageError, match=r"\{SPAN\} works with files on this machine"):
        find_data("https://example.org/span-{SPAN}.csv", DataSettings())


def test_a_file_is_its_folder_and_a_pattern():
    assert split_data_path("/data/[my] papers*.csv") == ("/data", "[[]my] papers[*].csv")
    assert split_data_path("/papers.csv") == ("/", "papers.csv")
    assert split_data_path("/a/span-{SPAN}/p.csv") == ("/a", "span-{SPAN}/p.csv")


def test_check_reads_the_spans(archive):
    done = invoke("check", "--data", PATTERN, "--set", "data.spans=0")
    text = flat(done.output)
    assert "Reading spans 9 to 11, 3 of 3 (3 files)." in text
    # The first 20 rows, and then the first 40, come again.
    assert "121 rows read" in text
    assert "60 repeated titles" in text
    assert "archive/span-11/papers.csv, line 62: bad 'terms'" in text


def test_run_reports_a_wrong_older_file_before_it_starts(archive):
    (archive / "span-9/papers.csv").write_text("titles,summaries\na,b\n")
    done = invoke("run", "--data", PATTERN, "--set", "data.spans=0")
    assert done.exit_code == 3
    assert "archive/span-9/papers.csv, line 1: no column 'terms'" in flat(done.output)
