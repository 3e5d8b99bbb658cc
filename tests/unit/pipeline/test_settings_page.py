"""docs/settings.md says what the docstrings say."""

from __future__ import annotations

from tests.support.settings_page import PAGE, settings_page


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == settings_page(), "run `make docs`"
