"""The page in the words of somebody else's data."""

from __future__ import annotations

import copy
import re
from collections import Counter

from components.report.page import render
from tests.support.html_page import Page
from tests.support.made_up_report import LABELS, made_up_report


def test_the_page_speaks_of_the_profiles_items_and_columns():
    report = made_up_report()
    whole = Page(render(report))
    card = copy.deepcopy(report["card"])
    card["data"] = "file.csv"
    card["settings"]["report"]["label_names"] = {LABELS[0]: "Albania <i>"}
    card["settings"]["report"]["item"] = "entry"
    card["settings"]["data"]["columns"] |= {"title": None, "text": "<i>body"}
    found = Page(render({**report, "card": card}))
    for section in ("summary", "baselines", "gate", "curves", "calibration", "labels", "slices",
                    "confusion", "training", "figures", "data", "drift"):  # fmt: skip
        assert not re.findall(r"(?i)\bpapers?\b|abstract|title", found.section(section)), section
    for before, after in (
        ("The test papers with the highest", "The test entries with the highest"),
        ("Share of papers whose top", "Share of entries whose top"),
        ("Words per abstract", "Words per <i>body"),
        ("a paper has only a few", "an entry has only a few"),
        ("training papers", "training entries"),
    ):
        assert before in whole.text
        assert after in found.text
    assert f"{LABELS[0]} (Albania <i>)" in found.section("labels")
    assert "Without a title" in whole.text
    assert "Without a" not in found.text
    assert Counter(tag for tag, _ in whole.elements)["i"] == 0
    assert Counter(tag for tag, _ in found.elements)["i"] == 0
