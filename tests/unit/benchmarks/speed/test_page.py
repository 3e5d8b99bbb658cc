"""The page of measurements: its tables are those of the stored figures."""

import json
from pathlib import Path

import pytest

from benchmarks.speed import tables

ROOT = Path(__file__).parents[4]


def test_the_page_keeps_the_rest(tmp_path):
    file = tmp_path / "page.md"
    file.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    tables.write_page(file, {})
    assert file.read_text() == f"before\n{tables.BEGIN}\n\n{tables.END}\nafter\n"


def test_a_page_without_markers_is_refused(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("nothing")
    with pytest.raises(ValueError, match="speed"):
        tables.write_page(file, {})


def test_the_page_shows_the_stored_figures():
    stored = json.loads((ROOT / "benchmarks/results/speed.json").read_text("utf-8"))
    text = (ROOT / "benchmarks/README.md").read_text("utf-8")
    shown = text.partition(tables.BEGIN)[2].partition(tables.END)[0]
    assert shown.strip() == tables.table("page", stored)
    assert set(stored) == {"training", "features", "pipeline"}
