"""The page in a real browser, before a real server; what it shows is compared with the model."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from schema.text import join_title_and_abstract
from serving.predict import Predictor, load_model
from serving.suggestion import Suggestion
from tests.support.browser import chromium, contrasts, prefer, resize
from tests.support.saved_models import half_plus_two, small_tagger

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
READY = ROOT / "serving" / "deploy" / "config" / "ready.sh"
VERSION = 1795336709
TITLE = "Pictures of math"
ABSTRACT = "We count the <b>lattices</b> & “größen” of a graph."
PHONE = (360, 740)
DESKTOP = (1280, 900)


@contextmanager
def model_server(base_path: Path, name: str, log: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """A server process; its address and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "serving.server", "--port=0", f"--rest_api_port={port}"]
    command += [f"--model_name={name}", f"--model_base_path={base_path}"]
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + 120
        while not _answers(address):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield address, server
    finally:
        server.terminate()
        server.wait(60)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("models") / "arxiv_tagger"
    small_tagger(base / str(VERSION))
    return base


@pytest.fixture(scope="module")
def predictor(tagger: Path) -> Predictor:
    return load_model(str(tagger))


@pytest.fixture(scope="module")
def address(tagger: Path) -> Iterator[str]:
    with model_server(tagger, "arxiv_tagger", tagger.parent / "log") as (address, _):
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(browser: Chrome, address: str) -> Page:
    return Page(browser, address)


class Page:
    """The page in the browser, as a person sees it."""

    def __init__(self, browser: Chrome, address: str) -> None:
        self.browser = browser
        resize(browser, *DESKTOP)
        prefer(browser, "light")
        browser.get(address)
        self.wait(lambda: "connecting" not in self.text("state"))

    def __getitem__(self, name: str) -> WebElement:
        return self.browser.find_element(By.ID, name)

    def text(self, name: str) -> str:
        return self[name].text

    def typed(self) -> tuple[str, str]:
        title, abstract = (self[name].get_property("value") for name in ("title", "abstract"))
        return str(title), str(abstract)

    def type(self, title: str, abstract: str) -> None:
        self["title"].send_keys(title)
        self["abstract"].send_keys(abstract)

    def press(self, *keys: str) -> None:
        """Presses keys together, wherever the focus is."""
        *held, last = keys
        chain = ActionChains(self.browser)
        for key in held:
            chain.key_down(key)
        chain.send_keys(last)
        for key in held:
            chain.key_up(key)
        chain.perform()

    def focused(self) -> str:
        return self.browser.switch_to.active_element.get_property("id")

    def wait(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.browser, 30, poll_frequency=0.02).until(lambda _: condition())

    def wait_for_answer(self) -> None:
        self.wait(lambda: self.text("answered") or self["error"].is_displayed())
        assert not self["error"].is_displayed(), self.text("error")

    def shown(self) -> list[tuple[str, str, bool]]:
        """Label, percent and mark of each row."""
        rows = self["labels"].find_elements(By.TAG_NAME, "li")
        assert [row.find_element(By.CLASS_NAME, "rank").text for row in rows] == [
            str(place) for place in range(1, len(rows) + 1)
        ]
        return [
            (
                row.find_element(By.CLASS_NAME, "name").text,
                row.find_element(By.CLASS_NAME, "share").text,
                [mark.text for mark in row.find_elements(By.CLASS_NAME, "badge")]
                == ["✓ suggested"],
            )
            for row in rows
        ]

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        assert self.browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))


def expected(predictor: Predictor, title: str, abstract: str) -> list[tuple[str, str, bool]]:
    """What the page has to show, from the model without a server."""
    return [
        (one.label, percent(one.score), one.suggested)
        for one in suggest(predictor, title, abstract)
    ]


def percent(score: float) -> str:
    """The share in words; what is not quite 0 or 1 does not look as if it were."""
    rounded = f"{100 * score:.1f}%"
    if rounded == "100.0%" and score < 1:
        return ">99.9%"
    return "<0.1%" if 0 < score < 0.001 else rounded


def suggest(predictor: Predictor, title: str, abstract: str) -> list[Suggestion]:
    (suggestions,) = predictor.suggest([join_title_and_abstract(title, abstract)])
    return suggestions


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


def test_slow_server_can_be_stopped(page: Page) -> None:
    page.browser.execute_script(
        "window.fetch = (path, {signal}) => new Promise((_, refuse) =>"
        " signal.addEventListener('abort', () => refuse(signal.reason)))"
    )
    page.type(TITLE, ABSTRACT)
    page["submit"].click()
    assert page.text("submit") == "Asking the model…"
    assert page.text("clear") == "Stop"
    page.wait(lambda: "slow" in page.text("summary"))
    page.press(Keys.ESCAPE)
    page.wait(lambda: page.text("summary").startswith("Stopped."))
    assert page.text("submit") == "Suggest subject areas"
    assert page.typed() == (TITLE, ABSTRACT)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (503, '{"error": "The queue is full"}', ["busy", "“The queue is full”", "503"]),
        (400, '{"error": "JSON Value: <b>"}', ["returned an error", "“JSON Value: <b>”", "400"]),
        (502, "<html>Bad gateway</html>", ["not JSON", "502"]),
        (200, '{"outputs": {}}', ["Unexpected answer"]),
    ],
)
def test_refusal_is_told_in_words(page: Page, status: int, body: str, words: list[str]) -> None:
    page.browser.execute_script(
        "const send = fetch; const [status, body] = arguments; window.fetch = (path, options) =>"
        " options.body ? Promise.resolve(new Response(body, {status})) : send(path, options)",
        status,
        body,
    )
    page.type(TITLE, ABSTRACT)
    page["submit"].click()
    page.wait(lambda: page["error"].is_displayed())
    for word in (*words, "still here"):
        assert word in page.text("error")
    assert page.typed() == (TITLE, ABSTRACT)


def test_newer_version_answers(page: Page) -> None:
    """A version that is unloaded between the two requests does not fail the question."""
    page.browser.execute_script(
        "let gone = false; const send = fetch; window.fetch = (path, options) => {"
        " if (!options.body || gone) return send(path, options);"
        " gone = true; return Promise.resolve(new Response('{}', {status: 404})); }"
    )
    page.type(TITLE, ABSTRACT)
    page["submit"].click()
    page.wait_for_answer()
    assert f"version {VERSION}" in page.text("answered")


def test_stopped_server_is_told_in_words(
    browser: Chrome, tagger: Path, predictor: Predictor, tmp_path: Path
) -> None:
    name = 'a "new" & <b>tagger</b>'
    with model_server(tagger, name, tmp_path / "log") as (address, server):
        page = Page(browser, address)
        assert page.text("name") == name
        page.type(TITLE, ABSTRACT)
        page["submit"].click()
        page.wait_for_answer()
        assert page.shown() == expected(predictor, TITLE, ABSTRACT)

        server.send_signal(signal.SIGTERM)
        server.wait(60)
        page["submit"].click()
        page.wait(lambda: page["error"].is_displayed())
        assert "cannot be reached" in page.text("error")
        assert "not ready" in page.text("state")
        assert "still here" in page.text("error")
        assert page.shown() == []
        assert page.typed() == (TITLE, ABSTRACT)
        page.screenshot("error")


def test_model_without_text_shows_its_signatures(browser: Chrome, tmp_path: Path) -> None:
    half_plus_two(tmp_path / "models" / "1")
    with model_server(tmp_path / "models", "half_plus_two", tmp_path / "log") as (address, _):
        page = Page(browser, address)
        page.wait(lambda: page["signatures"].is_displayed())
        assert page.text("signatures").startswith("This model does not take text")
        rows = page["signature-rows"].find_elements(By.TAG_NAME, "tr")
        cells = [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]
        assert ["serving_default", "tensorflow/serving/predict", "x: float [n, 1]"] in [
            cell[:3] for cell in cells
        ]
        assert sorted(cell[0] for cell in cells) == [cell[0] for cell in cells]
        assert not page["form"].is_displayed()
        page.screenshot("no-text")


def test_readiness_script_agrees_with_the_server(address: str) -> None:
    """The probe of serving/deploy, against a server instead of an imitation of one."""
    port = address.rstrip("/").rsplit(":", 1)[1]
    assert subprocess.run(["bash", str(READY), port], timeout=30).returncode == 0
