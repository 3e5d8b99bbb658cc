"""What became of each check, and the report about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from components.infra_validator.checks import VALUE_CHECKS
from components.infra_validator.faults import ModelFault

T = TypeVar("T")

FILES: Final = "vocabulary and threshold"
LOADS: Final = "the server loads it"
REQUESTS: Final = "requests can be made"
GRPC: Final = "answers over gRPC"
REST: Final = "answers over REST"
SHAPES: Final = "shapes and types"
# In the order in which they are made; where one of the first six fails, the rest has no ground.
CHECKS: Final = (FILES, LOADS, REQUESTS, GRPC, REST, SHAPES, *VALUE_CHECKS)


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: What was checked.
        result: What became of it; skipped where an earlier failure left nothing to look at.
        words: What is wrong.
    """

    name: str
    result: Literal["passed", "failed", "skipped"]
    words: str = ""


@dataclass
class Report:
    """The checks of one candidate, as they are made.

    Attributes:
        server: Which server it was tried on.
        papers: How many papers it was asked about.
        checks: What became of each check so far.
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
            check: Raises a ModelFault where it fails.

        Returns:
            What `check` returned; None where it failed.
        """
        try:
            value = check()
        except ModelFault as fault:
            self.checks.append(Check(name, "failed", str(fault)))
            return None
        self.checks.append(Check(name, "passed"))
        return value

    def finish(self) -> None:
        """Adds the checks that were not made."""
        made = {check.name for check in self.checks}
        self.checks.extend(Check(name, "skipped") for name in CHECKS if name not in made)

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
