"""The page: what it shows, that nothing of the data is taken for markup, what it does without."""

from __future__ import annotations

import copy
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from components.report.page import render
from tests.support.made_up_report import LABELS, made_up_report, unmeasured_report

# Elements that have no end.
VOID = {"meta", "link", "br", "input", "img", "hr"}


class Page(HTMLParser):
    """Reads a page: its elements and their attributes, its text, and what is not closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == tag]

    def section(self, anchor: str) -> str:
        """The text of a section, whitespace as one blank."""
        (found,) = re.findall(rf'<section [^>]*id="{anchor}".*?</section>', self.source, re.DOTALL)
        return Page(found).text


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return made_up_report()


def page(report, **changes) -> Page:
    return Page(render({**report, **changes}))


def map_texts(value: Any, change) -> Any:
    """The value with every text in it changed, keys left alone."""
    if isinstance(value, dict):
        return {key: map_texts(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [map_texts(each, change) for each in value]
    return change(value) if isinstance(value, str) else value


def test_the_page_is_whole_and_needs_nothing_beside_it(report):
    found = page(report)
    assert found.source.startswith("<!DOCTYPE html>")
    assert found.open == []
    assert {tag for tag, _ in found.elements}.isdisjoint({"script", "img", "iframe", "object"})
    assert [link["href"][:5] for link in found.of("link")] == ["data:"]
    # Nothing is loaded from anywhere, not by the style sheet either.
    style = found.source[found.source.index("<style>") : found.source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert all(link["href"].startswith("#") for link in found.of("a"))
    (policy,) = (each for each in found.of("meta") if "http-equiv" in each)
    assert "default-src 'none'" in policy["content"]


def test_ids_are_unique_and_every_link_and_name_leads_to_one(report):
    found = page(report)
    ids = Counter(attributes["id"] for _, attributes in found.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    named = {
        attributes[key]
        for _, attributes in found.elements
        for key in ("aria-labelledby",)
        if key in attributes
    }
    assert {link["href"][1:] for link in found.of("a")} | named <= set(ids)


def test_all_sections_can_be_jumped_to(report):
    found = page(report)
    sections = [each["id"] for each in found.of("section")]
    assert [link["href"][1:] for link in found.of("a")] == sections
    assert len(sections) == 14


def test_headings_are_in_order(report):
    levels = [int(tag[1]) for tag, _ in page(report).elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_each_drawing_and_each_wide_table_has_a_name(report):
    found = page(report)
    drawings = [each for each in found.of("svg") if each.get("role") == "img"]
    assert len(drawings) == 7
    assert all(each["aria-label"] for each in drawings)
    assert all(each.get("aria-hidden") for each in found.of("svg") if each not in drawings)
    regions = [each for each in found.of("div") if each.get("class") == "scroll"]
    assert regions
    assert all(each["role"] == "region" for each in regions)
    assert all(each["aria-label"].endswith(", table") for each in regions)
    assert all(each["tabindex"] == "0" for each in regions)


def test_no_text_of_the_report_is_taken_for_markup(report):
    evil = "<script>alert('&amp;')</script>\"'>{{ 7 * 7 }}"
    known = {"blessed", "compared", "global"}
    # What names a metric, a split, a slice or a time is ours, and not text of the data.
    before = page(report)
    attacked = map_texts(
        copy.deepcopy(report),
        lambda text: text if text in known or text.startswith("2026") else evil + text,
    )
    for section in ("headline", "gate"):
        for row, own in zip(attacked[section], report[section], strict=True):
            row["metric"] = own["metric"]
    after = page(attacked)
    assert after.open == []
    assert [tag for tag, _ in after.elements] == [tag for tag, _ in before.elements]
    assert "<script>" not in after.source
    assert (
        "49" not in after.source.replace(evil, "").partition("</style>")[2].partition("<main>")[0]
    )
    assert after.text.count("alert(") > 50
    # Nor does it get out of an attribute.
    known_attributes = {key for _, attributes in before.elements for key in attributes}
    assert {key for _, attributes in after.elements for key in attributes} == known_attributes


def test_headline_figures_stand_beside_the_best_baseline_first(report):
    found = page(report)
    table = found.section("baselines")
    assert table.index("LinearSVC") < table.index("most frequent")
    for row in report["headline"]:
        tile = f"{row['value']:.3f} {row['low']:.3f} to {row['high']:.3f}"
        assert tile in found.section("short")
        assert tile in table
        difference = row["baselines"]["linear_svc"]["difference"]["value"]
        assert f"{difference:+.4f}".replace("-", "\N{MINUS SIGN}") in table


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.01, 0.02, "better"), (-0.02, -0.01, "worse"), (-0.01, 0.02, "no clear difference")],
)
def test_a_difference_is_judged_by_its_interval(report, low, high, words):
    changed = copy.deepcopy(report)
    for row in changed["headline"]:
        row["baselines"]["linear_svc"]["difference"] |= {"low": low, "high": high}
    table = page(changed).section("baselines").partition("Metric")[2]
    assert table.count(words) == len(report["headline"])


def test_without_baselines_the_page_says_so(report):
    headline = [{**row, "baselines": {}} for row in report["headline"]]
    found = page(report, baselines=[], headline=headline)
    assert "baselines.enabled" in found.section("baselines")
    assert found.open == []


def test_a_baseline_on_a_sample_says_so(report):
    capped = [{**report["baselines"][0], "papers": 600}, report["baselines"][1]]
    text = page(report, baselines=capped).section("baselines")
    assert "trained on 600 papers drawn from the 1,000" in text
    assert text.count("drawn from") == 1


def test_figures_on_a_sample_say_so(report):
    test = {**report["test"], "papers": 5_000}
    text = page(report, test=test).section("short")
    assert "120 papers drawn from the 5,000" in text
    assert "drawn from" not in page(report).section("short")


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ({"state": "blessed", "version": "17"}, "Passed the gate, pushed as version 17"),
        ({"state": "blessed", "version": None}, "Passed the gate"),
        ({"state": "refused", "version": None}, "Refused by the gate"),
    ],
)
def test_the_verdict_stands_at_the_top(report, verdict, words):
    found = page(report, verdict={"reasons": [], **verdict})
    assert f">{words}</p>" in found.source.partition("<main>")[0]


def test_a_refused_model_is_told_why(report):
    reasons = ["micro_f1 is 0.5, must be at least 0.6", "lrap <low>"]
    verdict = {"state": "refused", "reasons": reasons, "version": None}
    text = page(report, verdict=verdict).section("refused")
    assert all(reason in text for reason in reasons)
    assert "no figures" not in text


def test_a_model_that_was_not_measured_has_a_short_page():
    found = page(unmeasured_report())
    assert found.open == []
    sections = [each["id"] for each in found.of("section")]
    assert sections == ["refused", "data", "drift", "card"]
    assert "label names: a label twice" in found.section("refused")
    assert "Refused: it can't be served" in found.text
    assert "labels.tsv" not in found.text


def test_the_gate_tells_what_was_compared(report):
    text = page(report).section("gate")
    assert "108 test papers that the other one was not trained on; 12 that it was" in text
    assert "failed" not in text
    first = [row for row in report["gate"] if row["baseline"] is None][:1]
    assert "There is no earlier model" in page(report, gate=first).section("gate")
    floors = [row for row in report["gate"] if row["metric"] in {"examples", "micro_f1"}]
    assert "gate.max_drop" in page(report, gate=floors).section("gate")
    failed = [{**row, "passed": False} for row in report["gate"]]
    assert page(report, gate=failed).section("gate").count("failed") == len(failed)


def test_labels_come_by_their_test_papers_and_the_rest_is_folded_away(report):
    seen = sorted(
        (label for label in report["labels"] if label["support"]),
        key=lambda label: (-label["support"], label["label"]),
    )
    found = page(report)
    shown = re.findall(
        r'<th scope="row" class="pin">(cs\.\w+)</th>\s*<td class="bars">', found.source
    )
    assert shown == [label["label"] for label in seen]
    text = found.section("labels")
    assert f"{len(LABELS) - len(seen)} more have no test paper" in text
    assert f"The next {len(seen) - 25} labels" in text
    assert "threshold" not in text.partition("precision")[2].partition("recall")[0]
    first = seen[0]
    assert f"{first['f1']:.3f} {first['precision']:.3f} {first['recall']:.3f}" in text


def test_thresholds_are_shown_where_each_label_has_its_own(report):
    own = {**report["model"], "thresholds": "per_label"}
    text = page(report, model=own).section("labels")
    assert text.count("0.500 0.500") > 0
    assert "threshold test papers" in text
    assert "threshold" not in page(report).section("labels")
    assert "one for each label" in page(report, model=own).section("card")


def test_of_very_many_labels_the_page_shows_some(report):
    many = [{**report["labels"][0], "label": f"l{i}", "support": 9} for i in range(1_000)]
    found = page(report, labels=many)
    assert found.source.count('class="bars"') - len(report["confusion"]) == 300
    assert "700 more" in found.section("labels")


def test_the_most_wrong_papers_are_shown(report):
    text = page(report).section("wrong")
    for paper in report["wrong"]:
        assert paper["title"] in text
        assert paper["abstract"] in text
    unknown = {"label": "new", "probability": None, "suggested": False}
    sure = {"label": "x", "probability": 0.9999, "suggested": True}
    never = {"label": "y", "probability": 0.0001, "suggested": False}
    one = {"title": "", "abstract": "", "loss": 9.0, "true": [unknown, sure], "wrong": [never]}
    text = page(report, wrong=[one]).section("wrong")
    assert "(no title)" in text
    assert "new unknown to the model ✗ missed" in text
    # No probability is shown as if it were sure.
    assert "x > 99 % ✓ suggested" in text
    assert "y < 1 %" in text


def test_nothing_confused_is_told_too(report):
    assert "No test paper" in page(report, confusion=[]).section("confusion")


def test_kinds_of_papers_stand_together(report):
    text = page(report).section("slices")
    assert text.index("Archive of the first label") < text.index("stat") < text.index("Rarest")
    assert "Without a title" in text
    assert "Without a title" not in page(report, abstract_only={}).section("slices")


@pytest.mark.parametrize("epochs", [0, 1, 2, 100])
def test_trainings_of_any_length_are_drawn(report, epochs):
    lines = [{**report["training"]["epochs"][0], "epoch": i + 1} for i in range(epochs)]
    found = page(report, training={"epochs": lines, "kept_epoch": epochs})
    assert found.open == []
    assert f"{epochs} epoch" in found.section("training")
    assert ('aria-label="cross-entropy by epoch' in found.source) is bool(epochs)


def test_what_has_changed_is_told(report):
    text = page(report).section("drift")
    assert "New labels: cs.New" in text
    assert "Labels that are gone: cs.Old" in text
    assert "900 1,240" in text
    for state, words in (("first", "no earlier run"), ("same", "on the same data")):
        data = {**report["data"], "drift": {"state": state}}
        assert words in page(report, data=data).section("drift")


def test_only_so_many_new_labels_are_named(report):
    drift = {**report["data"]["drift"], "new": [f"n{i}" for i in range(99)]}
    text = page(report, data={**report["data"], "drift": drift}).section("drift")
    assert "n29 and 69 more" in text


def test_the_model_card_names_what_it_was_made_from(report):
    text = page(report).section("card")
    for words in (
        report["card"]["intended_use"],
        *report["card"]["limits"],
        "papers.csv",
        report["card"]["commit"],
        "data 0, trainer 0, report 0",
        "12,345 n-grams",
        "tensorflow 2.16.2",
        "hidden_units 256",
        "columns.title titles",
        "patience 2",
        "label_separator null",
    ):
        assert words in text, words
    weak = sum(not label["f1"] for label in report["labels"] if label["support"])
    assert f"{weak} are never suggested rightly" in text


def test_code_outside_a_checkout_has_no_commit(report):
    found = page(report, card={**report["card"], "commit": ""})
    assert "not a git checkout" in found.section("card")
    assert "commit" not in found.source.partition("<main>")[0].partition("<header>")[2]
    changed = page(report, card={**report["card"], "changed": True})
    assert "with changes" in changed.source.partition("<main>")[0]


def test_the_same_report_gives_the_same_page(report):
    assert render(report) == render(copy.deepcopy(report))
