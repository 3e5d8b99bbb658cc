"""The report in a real browser: colours, widths, and no requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from components.report.page import render
from tests.support.browser import chromium, contrasts, prefer, resize
from tests.support.made_up_report import made_up_report, unmeasured_report

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
PHONE, TABLET, DESKTOP = 390, 768, 1200
# The width of the sheet within its margins, in CSS pixels.
A4 = 702

# Sections and tables that are wider than their place, so that columns would be cut off.
TOO_WIDE = """
return [...document.querySelectorAll("main > section, .scroll")].filter((each) =>
  each.scrollWidth > each.clientWidth + 1
).map((each) => each.id || each.ariaLabel);
"""

# The drawing's text that stands outside it, or over other text of the same axis.
MISPLACED = """
const over = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
return [...document.querySelectorAll("svg.chart")].flatMap((chart) => {
  const frame = chart.getBoundingClientRect();
  const texts = [...chart.querySelectorAll("text")].map((text) => [
    text.textContent, text.getBoundingClientRect(),
  ]);
  return texts.filter(([, box], number) =>
    box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1 ||
    texts.slice(number + 1).some(([, other]) => over(box, other))
  ).map(([words]) => `${chart.getAttribute("aria-label").slice(0, 30)}: ${words}`);
});
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The addresses of a report with all sections, and of one on a model that can't be served."""
    folder = tmp_path_factory.mktemp("pages")
    addresses = {}
    large = made_up_report()
    # All baselines, and counts as of a large file.
    large["baselines"].append({**large["baselines"][0], "name": "none"})
    for row in large["headline"]:
        row["baselines"]["none"] = row["baselines"]["frequent"]
    for label in (*large["labels"], *large["against_last"]["labels"]):
        label["support"] = 1_234
    # The longest name and bound that the gate has.
    row = large["gate"][1] | {"metric": "ece_suggested", "slice": "number_of_labels: 1"}
    large["gate"].append(row | {"bound_in_words": "at least 0.7051 (LinearSVC)", "passed": False})
    for name, report in (("report", large), ("unmeasured", unmeasured_report())):
        path = folder / f"{name}.html"
        path.write_text(render(report), "utf-8")
        addresses[name] = path.as_uri()
    return addresses


def look(browser: Chrome, address: str, width: int, scheme: str = "light") -> None:
    prefer(browser, scheme)
    resize(browser, width, 900)
    browser.get(address)


@pytest.mark.parametrize("name", ["report", "unmeasured"])
@pytest.mark.parametrize("width", [PHONE, TABLET, DESKTOP])
def test_nothing_sticks_out_to_the_side(browser, pages, name, width):
    look(browser, pages[name], width)
    browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = 1")
    overhang = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(overhang) <= 0
    assert browser.execute_script(TOO_WIDE) == []


def test_paper_is_light_and_shows_all_columns_and_bars(browser, pages):
    look(browser, pages["report"], A4)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": dark})
    ink = browser.execute_script("return getComputedStyle(document.body).color")
    assert ink == "rgb(24, 33, 45)"
    assert browser.execute_script(TOO_WIDE) == []
    colours = "return getComputedStyle(document.querySelector('.fill')).printColorAdjust"
    assert browser.execute_script(colours) == "exact"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_text_stands_out(browser, pages, scheme, width):
    look(browser, pages["report"], width, scheme)
    found = contrasts(browser)
    assert {"this model", "recall: true labels found", "better", "Passed the gate"} <= {
        words.split(", pushed")[0] for words in found
    }
    assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}
    height = browser.execute_script("return document.documentElement.scrollHeight")
    resize(browser, width, height)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.save_screenshot(str(SCREENSHOTS / f"report-{scheme}-{width}.png"))


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_text_of_drawings_has_room(browser, pages, width):
    look(browser, pages["report"], width)
    assert len(browser.find_elements(By.CSS_SELECTOR, "svg.chart")) == 6
    assert browser.execute_script(MISPLACED) == []


@pytest.mark.parametrize("name", ["report", "unmeasured"])
def test_it_asks_for_nothing_and_breaks_no_rule(browser, pages, name):
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    look(browser, pages[name], DESKTOP)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert {url for url in asked if not url.startswith("data:")} == {pages[name]}
    assert browser.get_log("browser") == []


def test_abstracts_and_settings_open(browser, pages):
    look(browser, pages["report"], DESKTOP)
    for summary in browser.find_elements(By.TAG_NAME, "summary"):
        details = summary.find_element(By.XPATH, "..")
        assert details.get_attribute("open") is None
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", summary)
        summary.click()
        assert details.get_attribute("open") is not None
