"""`run` and `check` on an archive of spans, and Beam's settings on the command line."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from pipeline.cli import run as run_module
from pipeline.cli.main import main
from pipeline.config import load_config
from pipeline.local.data_files import split_data_path

GOOD = [f'"Title {i}","Abstract {i}","[\'cs.LG\', \'stat.ML\']"' for i in range(60)]
HEADER = "titles,summaries,terms"


@pytest.fixture
def invoke(monkeypatch, tmp_path):
    """Runs a command in an empty folder; `calls` holds what would have run."""
    calls = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_module, "run_locally", lambda *given: calls.append(given))
    monkeypatch.setattr(run_module, "refuse_unblessed", lambda result: None)
    monkeypatch.setattr(run_module, "show_results", lambda *given: None)

    def call(*arguments):
        done = CliRunner().invoke(main, [str(each) for each in arguments])
        return SimpleNamespace(code=done.exit_code, text=" ".join(done.output.split()))

    call.calls = calls
    return call


@pytest.fixture
def archive(tmp_path):
    for span in (9, 10, 11):
        folder = tmp_path / f"archive/span-{span}"
        folder.mkdir(parents=True)
        rows = GOOD[: (span - 8) * 20] + ([] if span < 11 else ['"a","b","c"'])
        (folder / "papers.csv").write_text("\n".join([HEADER, *rows, ""]))
    return tmp_path / "archive"


PATTERN = "archive/span-{SPAN}/papers.csv"


def test_run_says_which_spans_it_reads(invoke, archive):
    done = invoke("run", "--data", PATTERN, "--set", "data.spans=2")
    assert done.code == 0, done.text
    assert "Reading spans 10 to 11, 2 of 3 (2 files)." in done.text
    ((config, data, _, _),) = invoke.calls
    assert config.data.spans == 2
    assert str(data) == PATTERN
    assert split_data_path(str(data.absolute())) == (str(archive), "span-{SPAN}/papers.csv")


def test_a_window_that_is_too_large_is_said(invoke, archive):
    done = invoke("run", "--data", PATTERN, "--set", "data.spans=12")
    assert done.code == 0
    assert "spans 9 to 11, 3 of 3 (3 files); data.spans asks for 12" in done.text


def test_check_reads_the_same_window(invoke, archive):
    done = invoke("check", "--data", PATTERN, "--set", "data.spans=0")
    assert "Reading spans 9 to 11, 3 of 3 (3 files)." in done.text
    # 20 + 40 + 61 rows; the first 20, and then the first 40, come again.
    assert "121 rows read" in done.text
    assert "60 repeated titles" in done.text
    assert "archive/span-11/papers.csv, line 62: bad 'terms'" in done.text


def test_what_is_wrong_is_told_before_anything_runs(invoke, archive):
    done = invoke("run", "--data", "archive/part-{SPAN}/papers.csv")
    assert (done.code, invoke.calls) == (3, [])
    assert "no span found: no file matches archive/part-{SPAN}/papers.csv" in done.text
    (archive / "span-10").rename(archive / "gone")
    done = invoke("run", "--data", PATTERN, "--set", "data.spans=0")
    assert (done.code, invoke.calls) == (3, [])
    assert "span 10 is missing between 9 and 11" in done.text


def test_a_wrong_older_file_is_told_before_anything_runs(invoke, archive):
    (archive / "span-9/papers.csv").write_text("titles,summaries\na,b\n")
    done = invoke("run", "--data", PATTERN, "--set", "data.spans=0")
    assert (done.code, invoke.calls) == (3, [])
    assert "archive/span-9/papers.csv, line 1: no column 'terms'" in done.text


@pytest.mark.parametrize("command", ["run", "check"])
def test_an_address_has_no_spans(invoke, command):
    done = invoke(command, "--data", "https://example.org/span-{SPAN}.csv")
    assert (done.code, invoke.calls) == (2, [])
    assert "{SPAN} works with files on this machine" in done.text


def test_a_plain_file_is_placed_as_it_is_named():
    assert split_data_path("/data/[my] papers*.csv") == ("/data", "[[]my] papers[*].csv")
    assert split_data_path("/papers.csv") == ("/", "papers.csv")


def test_beams_short_form_sets_its_section(invoke, archive):
    data = "archive/span-9/papers.csv"
    done = invoke("run", "--data", data, "--beam", "runner=direct,workers=2")
    assert done.code == 0, done.text
    assert "Reading" not in done.text
    ((config, *_),) = invoke.calls
    assert config == load_config("default", ["beam.workers=2"])
    # What is set by name wins.
    invoke("run", "--data", data, "--beam", "workers=2", "--set", "beam.workers=3")
    assert invoke.calls[1][0].beam.workers == 3


@pytest.mark.parametrize(
    ("beam", "told"),
    [
        ("workers", "must read key=value"),
        ("workers=two", "beam.workers"),
        ("threads=2", "beam.threads: there is no such setting"),
        ("runner=dataflow", "whose machines can't reach files on this one"),
        ("runner=spark,workers=2", "spark takes its own arguments"),
    ],
)
def test_wrong_beam_settings_are_usage_errors(invoke, archive, beam, told):
    done = invoke("run", "--data", "archive/span-9/papers.csv", "--beam", beam)
    assert (done.code, invoke.calls) == (2, [])
    assert told in done.text
