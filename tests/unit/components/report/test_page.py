"""The page: what it shows, that no text of the data becomes markup, and what may be missing."""

from __future__ import annotations

import copy
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from components.report.page import render
from tests.support.html_page import Page
from tests.support.made_up_report import LABELS, made_up_report, unmeasured_report


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return made_up_report()


@pytest.fixture(scope="module")
def whole(report) -> Page:
    """The page of the report as it is."""
    return Page(render(report))


def page(report, **changes) -> Page:
    return Page(render({**report, **changes}))


def map_texts(value: Any, change) -> Any:
    """The value with every text in it changed, keys left alone."""
    if isinstance(value, dict):
        return {key: map_texts(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [map_texts(each, change) for each in value]
    return change(value) if isinstance(value, str) else value


def test_the_page_is_complete_and_loads_nothing(whole):
    assert whole.source.startswith("<!DOCTYPE html>")
    assert whole.open == []
    assert {tag for tag, _ in whole.elements}.isdisjoint({"script", "img", "iframe", "object"})
    assert [link["href"][:5] for link in whole.of("link")] == ["data:"]
    style = whole.source[whole.source.index("<style>") : whole.source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = (each for each in whole.of("meta") if "http-equiv" in each)
    assert "default-src 'none'" in policy["content"]


def test_it_can_be_navigated(whole):
    ids = Counter(attributes["id"] for _, attributes in whole.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    named = {each["aria-labelledby"] for _, each in whole.elements if "aria-labelledby" in each}
    assert named <= set(ids)
    sections = [each["id"] for each in whole.of("section")]
    assert [link["href"] for link in whole.of("a")] == [f"#{section}" for section in sections]
    assert len(sections) == 15
    levels = [int(tag[1]) for tag, _ in whole.elements if re.fullmatch(r"h\d", tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_each_drawing_and_each_table_has_a_name(whole):
    drawings = [each for each in whole.of("svg") if each.get("role") == "img"]
    assert len(drawings) == 6
    assert all(each["aria-label"] for each in drawings)
    assert all(each.get("aria-hidden") for each in whole.of("svg") if each not in drawings)
    regions = [each for each in whole.of("div") if each.get("class") == "scroll"]
    assert len(regions) == len(whole.of("table"))
    for region in regions:
        assert (region["role"], region["tabindex"]) == ("region", "0")
        assert region["aria-label"].endswith(", table")


def test_no_text_of_the_report_is_taken_for_markup(report, whole):
    evil = "<script>alert('&amp;')</script>\"'>{{ 7 * 7 }}\x1b\u202e"
    # Names of metrics, splits and slices, and times, are ours and not text of the data.
    known = {"", "blessed", "compared", "global", "archive", "rarest_label", "better", "worse"}
    known |= {row["metric"] for row in [*report["gate"], *report["headline"]]}
    attacked = map_texts(
        report, lambda text: text if text in known or text.startswith("2026") else evil + text
    )
    after = page(attacked)
    assert after.open == []
    assert [tag for tag, _ in after.elements] == [tag for tag, _ in whole.elements]
    assert "<script>" not in after.source
    assert not {"\x1b", "\u202e"} & set(after.source)
    assert "\\x1b\\u202e" in after.text
    assert "49" not in after.source.partition("</style>")[2].partition("<main>")[0]
    assert after.text.count("alert(") > 50
    # Nor does it get out of an attribute.
    known_attributes = {key for _, attributes in whole.elements for key in attributes}
    assert {key for _, attributes in after.elements for key in attributes} == known_attributes


def test_the_headline_metrics_stand_beside_the_baselines(report, whole):
    table = whole.section("baselines")
    assert table.index("LinearSVC") < table.index("most frequent")
    for row in report["headline"]:
        tile = f"{row['value']:.3f} {row['low']:.3f} to {row['high']:.3f}"
        assert tile in whole.section("summary")
        assert tile in table
        difference = row["baselines"]["linear_svc"]["difference"]["value"]
        assert f"{difference:+.3f}".replace("-", "\N{MINUS SIGN}") in table


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.01, 0.02, "better"), (-0.02, -0.01, "worse"), (-0.01, 0.02, "unclear")],
)
def test_a_difference_is_judged_by_its_interval(report, low, high, told):
    changed = copy.deepcopy(report)
    for row in changed["headline"]:
        row["baselines"]["linear_svc"]["difference"] |= {"low": low, "high": high}
    table = page(changed).section("baselines").partition("Metric")[2]
    assert table.count(told) == len(report["headline"])


def test_samples_and_missing_baselines_are_told(report, whole):
    capped = [{**report["baselines"][0], "papers": 600}, report["baselines"][1]]
    found = page(report, baselines=capped, test={**report["test"], "papers": 5_000})
    assert found.section("baselines").count("trained on 600 papers drawn from the 1,000") == 1
    assert "120 papers drawn from the 5,000" in found.section("summary")
    assert "drawn from" not in whole.text
    headline = [{**row, "baselines": {}} for row in report["headline"]]
    found = page(report, baselines=[], headline=headline)
    assert "baselines.enabled" in found.section("baselines")


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ({"state": "blessed", "version": "17"}, "Passed the gate, pushed as version 17"),
        ({"state": "blessed", "version": None}, "Passed the gate"),
        ({"state": "refused", "version": None}, "Refused by the gate"),
    ],
)
def test_the_verdict_is_at_the_top_and_a_refusal_is_explained(report, verdict, told):
    reasons = ["micro_f1 is 0.5, must be at least 0.6", "lrap <low>"]
    found = page(report, verdict={"reasons": reasons, **verdict})
    assert f">{told}</p>" in found.source.partition("<main>")[0]
    assert all(reason in found.section("refused") for reason in reasons)
    assert "no metrics" not in found.section("refused")
    assert found.of("a")[0]["href"] == "#refused"


def test_a_model_that_was_not_measured_has_a_short_page():
    found = page(unmeasured_report())
    assert found.open == []
    sections = [each["id"] for each in found.of("section")]
    assert sections == ["refused", "data", "drift", "card"]
    assert "label names: a label twice" in found.section("refused")
    assert "Refused: the model can't be served" in found.text
    assert "labels.tsv" not in found.text


def test_the_gate_tells_what_was_compared(report, whole):
    text = whole.section("gate")
    assert "108 test papers that the last model was not trained on; 12 that it was" in text
    assert "refused" not in text
    first = [row for row in report["gate"] if row["baseline"] is None][:1]
    assert "no earlier model" in page(report, gate=first).section("gate")
    floors = [row for row in report["gate"] if row["metric"] in {"examples", "micro_f1"}]
    assert "gate.max_drop" in page(report, gate=floors).section("gate")
    no_floor = [{**row, "is_floor": False} for row in report["gate"]]
    assert "no floor gate.floors is empty" in page(report, gate=no_floor).section("gate")
    assert "no floor" not in text
    failed = [{**row, "passed": False} for row in report["gate"]]
    assert page(report, gate=failed).section("gate").count("refused") == len(failed)


def test_labels_are_sorted_by_test_papers_and_the_rest_is_folded_away(report, whole):
    seen = sorted(
        (label for label in report["labels"] if label["support"]),
        key=lambda label: (-label["support"], label["label"]),
    )
    row = r'<th scope="row" class="pin">(cs\.\w+)</th>\s*<td><span class="bars">'
    assert re.findall(row, whole.source) == [label["label"] for label in seen]
    text = whole.section("labels")
    assert f"labels.tsv has {len(LABELS) - len(seen)} more" in text
    assert f"The next {len(seen) - 25} labels" in text
    first = seen[0]
    assert f"{first['f1']:.3f} {first['precision']:.3f} {first['recall']:.3f}" in text
    many = [{**report["labels"][0], "label": f"l{i}", "support": 9} for i in range(1_000)]
    found = page(report, labels=many)
    assert found.source.count('class="bars"') - len(report["confusion"]) == 300
    assert "700 more" in found.section("labels")


def test_the_largest_errors_are_shown(report, whole):
    for paper in report["wrong"]:
        assert paper["title"] in whole.section("wrong")
        assert paper["abstract"] in whole.section("wrong")
    shown = whole.section("wrong").replace("\N{MINUS SIGN}", "-")
    for paper in report["wrong"]:
        for each in paper["true"]:
            words = "<graph> +1.25 nets -0.50 all other words +0.75, bias -2.00"
            assert f"{each['label']}: {words}" in shown
    unknown = {"label": "new", "probability": None, "suggested": False}
    sure = {"label": "x", "probability": 0.9999, "suggested": True}
    never = {"label": "y", "probability": 0.0001, "suggested": False}
    one = {
        "title": "",
        "abstract": "",
        "loss": 9.0,
        "true": [unknown, sure],
        "wrong": [never],
        "why": [],
    }
    found = page(report, wrong=[one], confusion=[], abstract_only={})
    text = found.section("wrong")
    assert "(no title)" in text
    assert "new unknown to the model ✗ missed" in text
    # No probability is shown as certain.
    assert "x > 99% ✓ suggested" in text
    assert "y < 1%" in text
    assert "No test paper" in found.section("confusion")
    assert "Without a title" not in found.section("slices")


@pytest.mark.parametrize("epochs", [0, 1, 2, 100])
def test_trainings_of_any_length_are_drawn(report, epochs):
    lines = [{**report["training"]["epochs"][0], "epoch": i + 1} for i in range(epochs)]
    layers = "logits (Dense)" if epochs else ""
    training = {"epochs": lines, "kept_epoch": epochs, "summary": layers}
    found = page(report, training=training)
    assert found.open == []
    assert f"{epochs} epoch" in found.section("training")
    assert ('aria-label="cross-entropy per epoch' in found.source) is bool(epochs)
    assert (found.section("training").count(f"kept epoch ({epochs})") == 2) is bool(epochs)
    assert ("parameters logits (Dense)" in found.section("training")) is bool(epochs)


def test_slices_are_grouped_and_drift_is_told(report, whole):
    text = whole.section("slices")
    assert text.index("First label, up to its dot") < text.index("stat") < text.index("Rarest")
    assert "Slice test papers micro-F1" in text
    assert "“frequent” are the 9 labels with the most training papers" in text
    assert "Without a title" in text
    text = whole.section("drift")
    assert "New labels: cs.New" in text
    assert "Labels that disappeared: cs.Old" in text
    assert "900 1,240" in text
    many = {**report["data"]["drift"], "new": [f"n{i}" for i in range(99)]}
    for drift, told in (
        ({"state": "first"}, "no earlier run"),
        ({"state": "same"}, "the same data"),
        (many, "n29 and 69 more"),
        ({**many, "l_infinity": 0.0}, "share of the papers changed. Jensen"),
        ({**many, "l_infinity": 0.0004}, "changed by more than 0.04 percentage points"),
    ):
        assert told in page(report, data={**report["data"], "drift": drift}).section("drift")


def test_the_model_card_names_what_the_model_was_made_from(report, whole):
    text = whole.section("card")
    for told in (
        report["card"]["intended_use"],
        *report["card"]["limits"],
        "papers.csv",
        report["card"]["commit"],
        "data 0, trainer 0, report 0",
        "12,345 n-grams",
        "tensorflow 2.16.2",
        "hidden_units 256",
        "columns.title titles",
        "label_separator null",
    ):
        assert told in text, told
    weak = sum(not label["f1"] for label in report["labels"] if label["support"])
    assert f"{weak} are never suggested correctly" in text
    found = page(report, card={**report["card"], "commit": ""})
    assert "not a git checkout" in found.section("card")
    assert "commit" not in found.source.partition("<main>")[0].partition("<header>")[2]
    changed = page(report, card={**report["card"], "changed": True})
    assert "with changes" in changed.source.partition("<main>")[0]
