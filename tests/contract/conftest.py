"""Options and report lines of the contract tests of TF Serving's API.

Here and not beside those tests, since pytest reads options only from the folders that it is given.
"""

from __future__ import annotations

import pytest

from schema import names
from tests.support.contract import targets


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract tests of the model server")
    group.addoption("--serving-grpc", metavar="HOST:PORT", help="gRPC of a server that runs")
    group.addoption("--serving-rest", metavar="HOST:PORT", help="REST of a server that runs")
    group.addoption("--serving-model", metavar="NAME", default=names.MODEL_NAME, help="its model")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    terminalreporter.section("contract tests of TF Serving's API")
    for line in targets.describe(targets.targets_of(config)):
        terminalreporter.line(line)
