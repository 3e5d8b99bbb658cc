"""The page in a real browser, before a real server; what it shows is compared with the model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By

from schema.text import join_title_and_abstract
from serving.predict import Predictor, load_model
from tests.support.browser import contrasts, prefer, resize
from tests.support.page import (
    ABSTRACT,
    PHONE,
    TITLE,
    VERSION,
    Page,
    expected,
    suggest,
)


@pytest.fixture(scope="module")
def predictor(tagger: Path) -> Predictor:
    return load_model(str(tagger))


def test_labels_are_those_of_the_model(page: Page, predictor: Predictor) -> None:
    assert page.text("name") == "arxiv_tagger"
    assert page.text("state").endswith(f"version {VERSION}, ready")
    page.type(TITLE, ABSTRACT)
    page["submit"].click()
    page.wait_for_answer()
    page.screenshot("desktop")

    wanted = expected(predictor, TITLE, ABSTRACT)
    # The text shows more than one case, and the model hears of the title.
    assert {mark for _, _, mark in wanted} == {True, False}
    assert wanted != expected(predictor, "", ABSTRACT)
    assert page.shown() == wanted
    over = ", ".join(label for label, _, mark in wanted if mark)
    assert page.text("summary") == f"Suggested: {over}."
    answered = rf"Answered by arxiv_tagger, version {VERSION}, in \d+ ms\."
    assert re.fullmatch(answered, page.text("answered"))
    assert page.typed() == (TITLE, ABSTRACT)


def test_bars_are_as_long_as_the_scores(page: Page, predictor: Predictor) -> None:
    page.type("", ABSTRACT)
    page["submit"].click()
    page.wait_for_answer()
    rows = page["labels"].find_elements(By.TAG_NAME, "li")
    for row, suggestion in zip(rows, suggest(predictor, "", ABSTRACT), strict=True):
        bar, fill = (row.find_element(By.CLASS_NAME, name).rect for name in ("bar", "fill"))
        assert fill["width"] == pytest.approx(suggestion.score * bar["width"], abs=1)


def test_text_is_sent_as_it_was_typed(page: Page) -> None:
    """The joined text reaches the server byte for byte, without a title or with one."""
    page.browser.execute_script(
        "window.sent = []; const send = fetch; window.fetch = (path, "
        "options) => { sent.push(options.body); return send(path, options); }"
    )
    abstract = ' two\nlines, ünïcode 😀 and \\ " quotes '
    for title in ("", "A title"):
        for name, text in (("title", title), ("abstract", abstract)):
            page.browser.execute_script("arguments[0].value = arguments[1]", page[name], text)
        page.browser.execute_script("document.getElementById('answered').textContent = ''")
        page["submit"].click()
        page.wait_for_answer()
    sent = [json.loads(body) for body in page.browser.execute_script("return sent") if body]
    texts = [join_title_and_abstract(title, abstract) for title in ("", "A title")]
    assert sent == [{"inputs": {"text": [text]}} for text in texts]


def test_words_for_and_against_a_label_are_marked(page: Page, predictor: Predictor) -> None:
    title, abstract = "C s a", "m h and <b>C</b>: a t"
    page.type(title, abstract)
    page["submit"].click()
    page.wait_for_answer()
    (first, *_) = predictor.suggest([join_title_and_abstract(title, abstract)], explain=True)[0]
    page["labels"].find_element(By.TAG_NAME, "button").click()
    page.wait(page["why"].is_displayed)
    assert page.focused() == "why"
    assert page.text("why-heading") == f"Why {first.label}?"
    assert first.why is not None
    listed = [item.text for item in page["why-for"].find_elements(By.TAG_NAME, "li")]
    assert listed == [f"+{value:.2f} {letter}" for letter, value in first.why.ngrams.items()]
    marks = page["why-text"].find_elements(By.CSS_SELECTOR, "mark.for")
    assert {mark.text for mark in marks} == set(first.why.ngrams)
    assert f"{abs(first.why.bias):.2f}" in page.text("why-rest")
    assert page.text("why-text") == f"{title}\n{abstract}"
    page["abstract"].send_keys(Keys.ESCAPE)
    assert not page["why"].is_displayed()


@pytest.mark.parametrize(
    ("text", "added", "expected"),
    [
        ("Few-shot, fewer", {"fewshot": 1}, "+Few-shot+, fewer"),
        ("Few-shot, few", {"few": 1, "few shot": -2}, "-Few-shot-, +few+"),
        ("ÜBER-\nGraphen", {"u\u0308ber graphen": 0.5}, "+ÜBER-\nGraphen+"),
        ("机器学习 und 器", {"器 学": 1, "器": 1}, "机+器学+习 und +器+"),
        ("a+b (a)", {"a": -1, "[UNK]": 3}, "-a-+b (-a-)"),
        ("<b>x</b>", {"bxb": 1}, "<+b>x</b+>"),
    ],
)
def test_ngrams_are_found_as_the_model_finds_them(
    page: Page, text: str, added: dict[str, float], expected: str
) -> None:
    script = (
        "return marked(arguments[0], Object.entries(arguments[1])).map((one) => one.className "
        "? {for: '+', against: '-'}[one.className].padEnd(2).replace(' ', one.textContent) "
        "+ {for: '+', against: '-'}[one.className] : one).join('').normalize('NFC')"
    )
    assert page.browser.execute_script(script, text, added) == expected


def test_a_text_of_unknown_words_gets_no_suggestion(page: Page) -> None:
    page.type("", "byebye")
    page["submit"].click()
    page.wait_for_answer()
    assert "No word of this text is known to the model" in page.text("summary")
    assert not any(suggested for _, _, suggested in page.shown())
    assert page["labels"].find_elements(By.TAG_NAME, "button") == []


def test_keyboard_is_enough(page: Page, predictor: Predictor) -> None:
    visited = []
    for _ in range(5):
        page.press(Keys.TAB)
        visited.append(page.focused())
        outline = page.browser.switch_to.active_element.value_of_css_property("outline")
        assert "solid 3px" in outline
    assert visited == ["title", "abstract", "submit", "example", "clear"]
    for _ in range(4):
        page.press(Keys.SHIFT, Keys.TAB)
    page.press(TITLE)
    page.press(Keys.TAB)
    page.press(ABSTRACT)
    page.press(Keys.CONTROL, Keys.ENTER)
    page.wait_for_answer()
    assert page.shown() == expected(predictor, TITLE, ABSTRACT)

    page.press(Keys.ESCAPE)
    assert page.typed() == ("", "")
    assert page.shown() == []
    assert page.focused() == "title"
    for _ in range(5):
        page.press(Keys.TAB)
    page.press(Keys.ENTER)
    assert page.typed() == (TITLE, ABSTRACT)

    assert page.focused() == "title"
    page.press(Keys.ENTER)
    page.wait_for_answer()
    assert page.shown() == expected(predictor, TITLE, ABSTRACT)


def test_example_is_one_click(page: Page, predictor: Predictor) -> None:
    page["example"].click()
    page.wait_for_answer()
    title, abstract = page.typed()
    assert title
    assert len(abstract) > 300
    assert page.shown() == expected(predictor, title, abstract)


def test_example_does_not_lose_what_was_typed(page: Page) -> None:
    page.type(TITLE, ABSTRACT)
    page["example"].click()
    page.wait_for_answer()
    page["replaced"].find_element(By.TAG_NAME, "button").click()
    assert page.typed() == (TITLE, ABSTRACT)


def test_empty_input_asks_for_text(page: Page) -> None:
    page.type(" ", " ")
    page["submit"].click()
    assert page["empty"].is_displayed()
    assert "title or an abstract" in page.text("empty")
    assert page.focused() == "abstract"
    assert page["abstract"].get_attribute("aria-invalid") == "true"
    page.type("", "graph")
    page["submit"].click()
    page.wait_for_answer()
    assert not page["empty"].is_displayed()


def test_a_phone_is_wide_enough(page: Page) -> None:
    def overhang() -> int:
        root = "document.documentElement"
        return page.browser.execute_script(f"return {root}.scrollWidth - {root}.clientWidth")

    resize(page.browser, *PHONE)
    assert overhang() <= 0
    page["example"].click()
    page.wait_for_answer()
    assert overhang() <= 0
    rows = page.browser.find_elements("css selector", ".suggested .row")
    for name, share in (
        [row.find_element("class name", c) for c in ("name", "share")] for row in rows
    ):
        assert share.rect["y"] == pytest.approx(name.rect["y"], abs=4)
    page.screenshot("phone")
    page.browser.execute_script(
        "showLabels({version: '1', rows: [{label: 'x'.repeat(99), score: 1, suggested: true}]}, 1);"
        "showError('y'.repeat(99));"
    )
    assert overhang() <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(page: Page, scheme: str) -> None:
    prefer(page.browser, scheme)
    page["submit"].click()
    page["example"].click()
    page.wait_for_answer()
    page.browser.execute_script(
        "showError('An error.'); document.getElementById('empty').hidden = 0"
    )
    page.screenshot(f"colours-{scheme}")
    found = contrasts(page.browser)
    assert {"An error.", "Suggest subject areas", "✓ suggested", "below the threshold"} <= set(
        found
    )
    assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}
    (ground,) = page.browser.find_elements(By.TAG_NAME, "body")
    red = int(re.findall(r"\d+", ground.value_of_css_property("background-color"))[0])
    assert (red < 128) == (scheme == "dark")


def test_fields_have_names_and_answers_are_announced(page: Page) -> None:
    assert page["title"].accessible_name == "Title"
    assert page["abstract"].accessible_name == "Abstract"
    assert page["summary"].get_attribute("aria-live") == "polite"
    assert page["error"].get_attribute("role") == "alert"


def test_nothing_comes_from_elsewhere(page: Page, address: str) -> None:
    page.browser.get_log("browser")
    page.browser.get_log("performance")
    page.browser.refresh()
    page.wait(lambda: "ready" in page.text("state"))
    page["example"].click()
    page.wait_for_answer()
    events = [
        json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")
    ]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert f"{address}v1/models/arxiv_tagger/versions/{VERSION}:predict" in asked
    assert {url for url in asked if not url.startswith((address, "data:"))} == set()
    assert page.browser.get_log("browser") == []
