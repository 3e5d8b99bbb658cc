from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.sample.generator import write_sample
from tests.support import runs

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from tests.support.page import Page


@dataclass(frozen=True)
class FirstRun:
    """A run on a small sample, which costs a minute and serves several files of tests.

    Attributes:
        run: The finished command.
        output: A copy of its output folder, to look at.
        live: The output folder itself, for one file of tests to run in again.
    """

    run: runs.Run
    output: Path
    live: Path


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes of this test run see."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def sample(shared: Path) -> Path:
    """A CSV of 800 invented papers."""
    with (shared / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = shared / "sample.csv"
        return path if path.exists() else write_sample(800, 7, path)


@pytest.fixture(scope="session")
def first_run(sample: Path, shared: Path) -> FirstRun:
    folder = shared / "first_run"
    finished = folder / "run.json"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            run = runs.run_pipeline(sample, folder / "live")
            shutil.copytree(folder / "live", folder / "out")
            finished.write_text(json.dumps(asdict(run)))
    run = runs.Run(**json.loads(finished.read_text()))
    return FirstRun(run, folder / "out", folder / "live")


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base path of a small model."""
    from tests.support.page import VERSION
    from tests.support.saved_models import small_tagger

    base = tmp_path_factory.mktemp("models") / "arxiv_tagger"
    small_tagger(base / str(VERSION))
    return base


@pytest.fixture(scope="module")
def address(tagger: Path) -> Iterator[str]:
    """A server of that model."""
    from tests.support.page import model_server

    with model_server(tagger, "arxiv_tagger", tagger.parent / "log") as (address, _):
        yield address


@pytest.fixture(scope="module")
def page_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    from tests.support.browser import chromium

    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(page_browser: Chrome, address: str) -> Page:
    """The server's page, just opened."""
    from tests.support.page import Page

    return Page(page_browser, address)
