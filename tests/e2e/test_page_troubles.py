"""The page when the server is slow, refuses, stops, or has another kind of model."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from serving.predict import Predictor, load_model
from tests.support.page import ABSTRACT, READY, TITLE, VERSION, Page, expected, model_server
from tests.support.saved_models import half_plus_two


@pytest.fixture(scope="module")
def predictor(tagger: Path) -> Predictor:
    return load_model(str(tagger))


def test_a_slow_request_can_be_stopped(page: Page) -> None:
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
    ("status", "body", "parts"),
    [
        (503, '{"error": "The queue is full"}', ["busy", "“The queue is full”", "503"]),
        (400, '{"error": "JSON Value: <b>"}', ["returned an error", "“JSON Value: <b>”", "400"]),
        (502, "<html>Bad gateway</html>", ["not JSON", "502"]),
        (200, '{"outputs": {}}', ["Unexpected answer"]),
    ],
)
def test_errors_are_explained(page: Page, status: int, body: str, parts: list[str]) -> None:
    page.browser.execute_script(
        "const send = fetch; const [status, body] = arguments; window.fetch = (path, options) =>"
        " options.body ? Promise.resolve(new Response(body, {status})) : send(path, options)",
        status,
        body,
    )
    page.type(TITLE, ABSTRACT)
    page["submit"].click()
    page.wait(lambda: page["error"].is_displayed())
    for part in (*parts, "still here"):
        assert part in page.text("error")
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


def test_a_stopped_server_is_reported(
    page_browser: Chrome, tagger: Path, predictor: Predictor, tmp_path: Path
) -> None:
    name = 'a "new" & <b>tagger</b>'
    with model_server(tagger, name, tmp_path / "log") as (address, server):
        page = Page(page_browser, address)
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


def test_model_without_text_shows_its_signatures(page_browser: Chrome, tmp_path: Path) -> None:
    half_plus_two(tmp_path / "models" / "1")
    with model_server(tmp_path / "models", "half_plus_two", tmp_path / "log") as (address, _):
        page = Page(page_browser, address)
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
