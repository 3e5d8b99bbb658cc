"""A headless Chromium for the tests of the page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    # Chromium's sandbox refuses to run as root, which test machines often are.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # The page works without a network, and so does its test.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# For each visible text: how its colour contrasts with what is behind it, as WCAG 2 defines it.
_CONTRASTS = """
// What color-mix() gives is from 0 to 1, not to 255.
const numbers = (color) => color.match(/[\\d.]+/g).map(Number)
  .map((x, i) => (i < 3 && color.startsWith("color(srgb") ? 255 * x : x));
const light = (color) => {
  const [r, g, b] = numbers(color).map((x) => x / 255)
    .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const color = getComputedStyle(node).backgroundColor;
    if ((numbers(color)[3] ?? 1) === 1) return color;
  }
  return "rgb(255, 255, 255)";
};
const found = {};
for (const node of document.querySelectorAll("body *")) {
  const words = [...node.childNodes].filter((one) => one.nodeType === 3 && one.data.trim());
  if (!words.length || !node.checkVisibility() || !node.getClientRects().length) continue;
  // In a drawing it is the fill that shows.
  const ink = getComputedStyle(node)[node instanceof SVGElement ? "fill" : "color"];
  const [one, other] = [light(ink), light(behind(node))];
  found[words[0].data.trim()] = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
return found;
"""


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser with a fresh profile in that folder; quits at the end."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        raise FileNotFoundError("No chromium and chromedriver on the PATH: run `make browser`.")
    options = Options()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


def resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    """Makes the view so many CSS pixels wide and high; a window cannot be as narrow as a phone."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def prefer(browser: webdriver.Chrome, scheme: str) -> None:
    """Asks pages for the colour scheme `light` or `dark`, and to move nothing."""
    wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wishes.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def contrasts(browser: webdriver.Chrome) -> dict[str, float]:
    """How each visible text of the page contrasts with what is behind it."""
    found: dict[str, float] = browser.execute_script(_CONTRASTS)
    return found
