"""The checks of a candidate and their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from components.infra_validator.errors import UnservableModelError

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: What was checked.
        result: Its result.
        message: What is wrong, if it failed.
    """

    name: str
    result: Literal["passed", "failed"]
    message: str = ""


@dataclass
class Report:
    """The checks of one candidate, as they are made; what an earlier fault rules out is not made.

    Attributes:
        server: The kind of server it was tried on.
        papers: Number of papers the server was asked about.
        checks: Results so far.
    """

    server: str
    papers: int
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing has failed so far."""
        return all(check.result == "passed" for check in self.checks)

    def make(self, name: str, check: Callable[[], T]) -> T | None:
        """Makes a check.

        Args:
            name: What is checked.
            check: Raises a UnservableModelError if the model fails.

        Returns:
            What `check` returned; None if it failed.
        """
        try:
            value = check()
        except UnservableModelError as fault:
            self.checks.append(Check(name, "failed", str(fault)))
            return None
        self.checks.append(Check(name, "passed"))
        return value

    def as_dict(self, seconds: float) -> dict[str, Any]:
        """Returns the report, ready for JSON.

        Args:
            seconds: How long all of it took.
        """
        return {
            "passed": self.passed,
            "server": self.server,
            "papers": self.papers,
            "seconds": round(seconds, 1),
            "checks": [dict(vars(check)) for check in self.checks],
        }
