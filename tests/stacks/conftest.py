"""The options of the tests of two stacks: see `make test-trixie`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pushed", action="append", help="output folder of a run, of either stack")
    parser.addoption("--answers", help="file that one stack writes and the other reads")
