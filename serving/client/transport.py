"""What the client asks of a transport, and how a transport says that a call failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol


@dataclass(frozen=True)
class Target:
    """Which model is asked.

    Attributes:
        model: Its name on the server.
        version: Its version.
        label: The version's label, as `stable`; where neither is given the server's latest
            version answers.
    """

    model: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.model} version {self.version}"
        return self.model + (f" label {self.label}" if self.label is not None else "")


@dataclass(frozen=True)
class Answer:
    """Labels, best first, of n texts: three columns with a list for each text.

    Attributes:
        labels: Label names.
        scores: Probabilities, 0 to 1.
        suggested: Whether each score reaches the model's threshold.
    """

    labels: list[list[Any]]
    scores: list[list[Any]]
    suggested: list[list[Any]]


class Fault(Enum):
    """Why a call failed."""

    REFUSED = auto()
    """Nothing listens at the address."""
    UNAVAILABLE = auto()
    """The server can't answer now: it is starting, stopping or has too much to do."""
    UNREACHABLE = auto()
    """The address can't be reached, or the connection broke."""
    TIMEOUT = auto()
    """No answer in time."""
    NOT_FOUND = auto()
    """The server has no such model, version or label."""
    INVALID = auto()
    """The model can't be asked this."""
    BAD_ANSWER = auto()
    """What came back is no answer of a model server."""
    SERVER = auto()
    """The server failed."""


class CallError(Exception):
    """A call failed.

    Attributes:
        fault: Why.
        detail: What the server or the library said.
    """

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"{fault.name}: {detail}")
        self.fault = fault
        self.detail = detail


class Transport(Protocol):
    """Sends texts to the default signature of a model."""

    def predict(self, target: Target, texts: Sequence[str], timeout: float) -> Answer:
        """Asks once.

        Args:
            target: The model.
            texts: Texts that can be written as UTF-8.
            timeout: Seconds until it gives up.

        Raises:
            CallError: There is no answer.
        """

    def close(self) -> None:
        """Closes the connections."""
