from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.sample.generator import write_sample
from tests.support import runs


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 800 invented papers."""
    return write_sample(800, 7, tmp_path_factory.mktemp("data") / "sample.csv")


@pytest.fixture(scope="session")
def first_run(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[runs.Run, Path]:
    """A first run on the sample; others copy its output before they add to it."""
    output = tmp_path_factory.mktemp("first") / "out"
    return runs.run_pipeline(sample, output), output
