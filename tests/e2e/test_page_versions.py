"""The page's choice of a version, before a server with a stable version and a canary."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.support.ui import Select

from serving.models_config import config_path_of
from serving.releases import write_release
from tests.support.page import ABSTRACT, PHONE, TITLE, VERSION, Page, model_server, resize
from tests.support.saved_models import small_tagger

CANARY = VERSION + 1


def test_the_stable_version_answers_until_another_is_chosen(
    page_browser: Chrome, tagger: Path, tmp_path: Path
) -> None:
    base = tmp_path / "arxiv_tagger"
    shutil.copytree(tagger / str(VERSION), base / str(VERSION))
    small_tagger(base / str(CANARY), threshold=0.999)
    write_release(base, VERSION, CANARY)
    flags = (
        f"--model_config_file={config_path_of(base)}",
        "--model_config_file_poll_wait_seconds=0.2",
        "--allow_version_labels_for_unavailable_models=true",
    )
    with model_server(base, "arxiv_tagger", tmp_path / "log", *flags) as (address, _):
        page = Page(page_browser, address)
        choice = Select(page["version"])

        def choose(name: str, version: int) -> None:
            Select(page["version"]).select_by_visible_text(name)
            page.wait(lambda: f"version {version}, ready" in page.text("state"))

        assert page["version"].accessible_name == "Version to ask"
        assert [option.text for option in choice.options] == [
            *("stable (label)", "canary (label)", "newest", str(CANARY), str(VERSION))
        ]
        page.type(TITLE, ABSTRACT)
        for chosen, version in (
            ("stable (label)", VERSION),
            ("canary (label)", CANARY),
            (str(VERSION), VERSION),
            ("newest", CANARY),
        ):
            choose(chosen, version)
            page["submit"].click()
            page.wait_for_answer()
            assert f"version {version}, in" in page.text("answered")
            assert any(mark for *_, mark in page.shown()) == (version == VERSION)
        # Escape is the list's own key; the text stays.
        page["version"].send_keys(Keys.ESCAPE)
        assert page.typed() == (TITLE, ABSTRACT)
        resize(page.browser, *PHONE)
        page.screenshot("versions-phone")

        # A version that is gone is not silently another one.
        choose(str(CANARY), CANARY)
        write_release(base, VERSION, None)
        status = f"{address}v1/models/arxiv_tagger/versions/{CANARY}"
        page.wait(lambda: "END" in httpx.get(status).text)
        page["submit"].click()
        page.wait(lambda: page["error"].is_displayed())
        assert "not serving" in page.text("error")
        assert Select(page["version"]).first_selected_option.text == f"{CANARY} (unloaded)"
