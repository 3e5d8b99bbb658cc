"""What the page says of labels that are left out, and of papers without labels."""

from __future__ import annotations

from typing import Any

import pytest

from components.report.page import render
from tests.support.html_page import Page
from tests.support.made_up_report import made_up_report


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return made_up_report()


def page(report, **changes) -> Page:
    return Page(render({**report, **changes}))


def test_labels_that_are_left_out_are_listed_beside_both_figures(report):
    text = page(report).section("labels")
    assert "I.2.6; I.2.10 12 data.label_pattern" in text
    pair = (report["figures"]["micro_f1"], report["vocabulary_only"]["micro_f1"])
    assert "micro-F1 {:.3f} {:.3f}".format(*pair) in text
    nothing = page(report, data={**report["data"], "left_out": []}).section("labels")
    assert "left out" not in nothing


def test_papers_without_labels_are_told_with_their_rule(report):
    assert "no labels" not in page(report).section("figures")
    counts = {**report["data"]["curation"], "unlabelled_kept": 1_234}
    numbers = {"train": [20, 60, 20], "val": [0, 1], "test": [1]}
    found = page(report, data={**report["data"], "curation": counts, "labels_per_paper": numbers})
    assert "1,234 papers have no labels" in found.section("figures")
    assert "an LRAP of 1, and 0 in nDCG" in found.section("figures")
    assert "of these without labels 1,234" in found.section("data")
    assert "0 1 2 3 4 more training 20% 60% 20% 0% 0% 0%" in found.section("data")
