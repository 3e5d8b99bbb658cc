"""The page of a model server, as a person in front of a browser sees it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from schema.text import join_title_and_abstract
from serving.predict import Predictor
from serving.suggestion import Suggestion
from tests.support.browser import prefer, resize

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
READY = ROOT / "serving" / "deploy" / "config" / "ready.sh"
VERSION = 1795336709
TITLE = "Pictures of math"
ABSTRACT = "We count the <b>lattices</b> & “größen” of a graph."
PHONE = (360, 740)
DESKTOP = (1280, 900)


@contextmanager
def model_server(
    base_path: Path, name: str, log: Path, *flags: str
) -> Iterator[tuple[str, subprocess.Popen]]:
    """A server process; its address and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "serving.server", "--port=0", f"--rest_api_port={port}"]
    command += [f"--model_name={name}", f"--model_base_path={base_path}", *flags]
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + 300
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
