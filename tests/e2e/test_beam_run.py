"""A run by two workers on two spans against one by one worker on the same rows in one file."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.support import runs


def write_spans(sample: Path, folder: Path) -> str:
    """Parts a file into two spans; returns the path that names both."""
    with sample.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    for span, part in ((9, rows[:300]), (10, rows[300:])):
        path = folder / f"span-{span}" / "papers.csv"
        path.parent.mkdir(parents=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *part])
    return str(folder / "span-{SPAN}" / "papers.csv")


def test_two_workers_and_two_spans_come_to_the_same(sample, first_run, tmp_path):
    expected = first_run.output
    data = write_spans(sample, tmp_path / "archive")
    output = tmp_path / "out"
    arguments = runs.run_arguments(Path(data), output, "data.spans=0")
    done = runs.tagger(*arguments, "--beam", "runner=direct,workers=2")
    assert done.code == 0, done.output
    assert "Reading spans 9 to 10, 2 of 2 (2 files)" in done

    assert (output / "curation.json").read_text() == (expected / "curation.json").read_text()
    (model,), (expected_model,) = runs.versions(output), runs.versions(expected)
    assets = {path.name: path.read_bytes() for path in (model / "assets").iterdir()}
    assert assets == {
        path.name: path.read_bytes() for path in (expected_model / "assets").iterdir()
    }
    assert len(assets) == 2
