"""The page at /docs, and the examples of docs/api.md."""

from __future__ import annotations

import subprocess
import sys

from tests.support.api_examples import example
from tests.support.page import Page

TEXT = "We count the lattices of a graph."


def test_the_page_shows_the_operations_with_examples(page: Page, address):
    browser = page.browser
    browser.find_element("link text", "API").click()
    page.wait(lambda: browser.find_elements("css selector", "details"))
    shown = [each.text for each in browser.find_elements("css selector", "summary")]
    assert "POST /v1/models/arxiv_tagger:predict" in shown
    browser.find_elements("css selector", "summary")[2].click()
    forms = [each.text for each in browser.find_elements("css selector", "details[open] pre")]
    assert forms[0] == '{"signature_name":"serving_default","instances":["text"]}'
    assert '"labels":["text"]' in forms[1]


def test_curl_python_and_javascript_get_the_same_labels(page: Page, address):
    address = address.rstrip("/")
    python = [sys.executable, "-c", example("python", address, TEXT)]
    done = subprocess.run(python, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "math.CO\n"
    curl = ["bash", "-c", example("sh", address, TEXT)]
    answer = subprocess.run(curl, capture_output=True, text=True, timeout=60, check=True).stdout
    assert '"math.CO"' in answer
    script = example("js", address, TEXT)
    logged = page.browser.execute_async_script(
        f"console.log = arguments[0]; (async () => {{{script}}})().catch(arguments[0])"
    )
    assert logged == "math.CO"
