"""The page: what the model finds, misses and suggests wrongly, and what changed."""

from __future__ import annotations

from typing import Any

import pytest

from components.report import charts
from components.report.page import render
from tests.support.html_page import Page
from tests.support.made_up_report import LABELS, PAPERS, made_up_report


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return made_up_report()


@pytest.fixture(scope="module")
def whole(report) -> Page:
    return Page(render(report))


def test_the_summary_counts_labels_found_and_papers_right(report, whole):
    text = whole.section("summary")
    seen = sum(label["support"] > 0 for label in report["labels"])
    assert f"Of the {seen} labels of the test papers, 30 are ever suggested correctly" in text
    assert "and 12 for over half of their papers" in text
    missed, extra = (sum(label[key] for label in report["labels"]) for key in ("missed", "extra"))
    assert f"{missed} true labels are missed, and {extra} extra ones" in text
    assert f"Of {PAPERS} test papers, {report['errors']['all_right']} get exactly" in text
    some = ((30, 0.5), (12, 0.6), (10, 0.51), (9, 1.0), (0, 0.0))
    labels = [{**report["labels"][0], "support": n, "recall": recall} for n, recall in some]
    text = Page(render({**report, "labels": labels})).section("summary")
    assert "(recall over 0.5); 2 of these have at least 10 test papers" in text
    assert "those without a test paper (1) count as 0, so it is at most 0.800" in text


def test_missed_and_extra_labels_are_counted_by_paper_and_by_label(report, whole):
    counted = {
        "all_right": 0,
        "missed": {"total": 21, "papers": [7, 2, 3, 0, 2, 1]},
        "extra": {"total": 1, "papers": [14, 1]},
    }
    table = Page(render({**report, "errors": counted})).table("Missed and extra labels")
    assert table[1:] == [
        ["missed labels", "7", "2", "3", "0", "3", "21"],
        ["extra labels", "14", "1", "0", "0", "0", "1"],
    ]
    first = max(report["labels"], key=lambda label: label["support"])
    counts = [str(first[key]) for key in ("support", "missed", "extra")]
    assert whole.table("Labels")[1][-3:] == counts


def test_the_heat_map_shows_percentages_of_each_labels_papers(report):
    matrix = {
        "labels": ["a", "b<i>"],
        "papers": [1_200, 3],
        "counts": [[1_176, 5], [0, 1]],
        "shares": [[0.98, 5 / 1_200], [0.0, 1 / 3]],
    }
    found = Page(render({**report, "matrix": matrix}))
    assert found.table("Heat map of the largest labels") == [
        ["True label", "test papers", "a", "b<i>"],
        ["a", "1,200", "98", "0"],
        ["b<i>", "3", "", "33"],
    ]
    cells = [each["class"] for each in found.of("td") if each.get("class", "").startswith("h")]
    assert cells == ["h5 own", "h0", "h0", "h4 own"]


def test_changes_beyond_chance_come_first(report, whole):
    name = "Labels against the last blessed model"
    assert whole.table(name)[1:] == [
        ["cs.AA better", "40", "9", "1", "0.700", "0.500", "0.700", "0.500"],
        ["cs.AB worse", "40", "1", "8", "0.325", "0.500", "0.325", "0.500"],
        ["cs.AC", "40", "2", "1", "0.525", "0.500", "0.525", "0.500"],
    ]
    assert "better beyond chance: 1; worse: 1 (McNemar" in whole.section("labels")
    assert "On 108 test papers" in whole.section("labels")
    assert "New labels: 1. Labels that are gone: 1." in whole.section("labels")
    row = report["against_last"]["labels"][2]
    many = [{**row, "label": label, "gained": place} for place, label in enumerate(LABELS)]
    same = {**row, "label": "same", "gained": 0, "lost": 0}
    same = [same, {**row, "label": "same", "support": 0}]
    for rows, told in ((([*many, *same]), "21 more labels changed"), (same, "No label changed")):
        against = {**report["against_last"], "labels": rows}
        found = Page(render({**report, "against_last": against}))
        assert told in found.section("labels")
        assert "same" not in found.section("labels")
    assert "last blessed" not in Page(render({**report, "against_last": None})).section("labels")


def test_calibration_shows_intervals_and_counts(report, whole):
    bins = [each for each in report["calibration_suggested"] if each["count"]]
    text = whole.section("calibration")
    for each in bins:
        low, high = f"{each['share_low']:.2f}", f"{each['share_high']:.2f}"
        assert f"{each['share_true']:.2f} ({low} to {high}) of {each['count']} at" in whole.source
        assert str(each["count"]) in text.split()
    assert [each["class"] for each in whole.of("path")].count("span") == len(bins)
    assert "off by 0.081 on average" in text
    # Each count stands at its point, or right of the count before.
    near = [{**bins[0], "mean_probability": mean} for mean in (0.12, 0.195, 0.21)]
    (line,) = charts.calibration(near).lines
    assert [place for *_, place in line.spans] == pytest.approx([0.12, 0.195, 0.25])
    # There is no precision where nothing is suggested.
    curve = {key: [0.5, 0] for key in ("precision", "recall", "f1")} | {"thresholds": [0.5, 1]}
    assert [len(each.points) for each in charts.f1_by_threshold(curve, 0.5).lines] == [2, 1, 2]


def test_right_papers_stand_beside_the_largest_errors(report, whole):
    right = whole.section("wrong").partition("Typical right papers")[2]
    assert len(report["right"]) == 3
    for paper in report["right"]:
        assert f"{paper['title']} A typical paper of {paper['label']} true:" in right
    assert "missed" not in right
