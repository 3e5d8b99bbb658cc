"""What the client asks of a transport, and how a transport says that a call failed."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from schema import names
from schema.errors import UsageError
from serving.suggestion import Suggestion, Suggestions, Why

ProtocolName = Literal["rest", "grpc"]

DEFAULT_ADDRESSES: Final[dict[ProtocolName, str]] = {
    "rest": "127.0.0.1:8501",
    "grpc": "127.0.0.1:8500",
}
# In words of TF Serving and gRPC, and this server's: their status also means other faults.
_TOO_LARGE: Final = re.compile("larger than max|--max_string_bytes|The request is too large")
_ADDRESS: Final = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})")


@dataclass(frozen=True)
class Target:
    """Which model is asked.

    Attributes:
        model: Its name on the server.
        version: Its version.
        label: The version's label, such as `stable`; without version and label, the server's
            latest version answers.
        signature: The model's signature.
    """

    model: str
    version: int | None = None
    label: str | None = None
    signature: str = names.SIGNATURE_DEFAULT

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.model} version {self.version}"
        return self.model + (f" label {self.label}" if self.label is not None else "")


class Access:
    """The token and the TLS that a server wants: see `TaggerClient`.

    Every request brings `headers`; httpx trusts `verify`, if it speaks TLS, and grpc `roots`.
    """

    def __init__(self, token: str | None = None, tls_ca: str | Path | None = None) -> None:
        # httpx and grpc would show a wrong one in their errors.
        if token is not None and not re.fullmatch("[!-~]+", token := token.strip()):
            raise UsageError("The token is not one word of ASCII characters. Check --token-file.")
        self.headers = [("authorization", f"Bearer {token}")] if token else []
        self.token_remedy = "If it asks for a token, " + (
            "it is not the one in --token-file." if token else "give its file as --token-file."
        )
        self.verify: ssl.SSLContext | bool = tls_ca == "public"
        self.roots: bytes | None = None
        if tls_ca is not None and not self.verify:
            try:
                self.roots = Path(tls_ca).read_bytes()
                self.verify = ssl.create_default_context(cafile=tls_ca)
            except OSError as error:
                raise UsageError(f"--tls-ca: {tls_ca} is no PEM file: {error.strerror}.") from error


class Fault(Enum):
    """Why a call failed."""

    REFUSED = auto()
    """Nothing listens at the address."""
    UNAVAILABLE = auto()
    """The server can't answer now: it is starting, stopping or overloaded."""
    DENIED = auto()
    """The server lets in only who brings its token."""
    BUSY = auto()
    """The server takes no more calls at once, or computed others first."""
    TOO_LARGE = auto()
    """The server takes no request of this size."""
    UNREACHABLE = auto()
    """The address can't be reached, or the connection broke."""
    TIMEOUT = auto()
    """No answer in time."""
    NOT_FOUND = auto()
    """The server has no such model, version or label."""
    INVALID = auto()
    """The model can't be asked this."""
    BAD_ANSWER = auto()
    """The answer is not one of a model server."""
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
        self.fault = Fault.TOO_LARGE if _TOO_LARGE.search(detail) else fault
        self.detail = detail


class Transport(Protocol):
    """Sends texts to a model."""

    def predict(self, target: Target, texts: Sequence[str], timeout: float) -> list[Suggestions]:
        """Asks once.

        Args:
            target: The model.
            texts: Texts that can be encoded as UTF-8.
            timeout: Seconds to wait for the answer.

        Returns:
            For each text its k labels, best first.

        Raises:
            CallError: There is no answer, or it is not one of this project's models.
        """

    def close(self) -> None:
        """Closes the connections."""


def check_address(address: str) -> str:
    """Returns an address if it is HOST:PORT.

    Raises:
        UsageError: It is not.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 65_536:
        example = DEFAULT_ADDRESSES["rest"]
        raise UsageError(f"{address!r} is not an address. Give HOST:PORT, such as {example}.")
    return address


def read_object(content: bytes) -> dict[str, Any]:
    """Reads a JSON object; an empty one if the content is something else."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def to_suggestions(texts: int, outputs: Mapping[str, Any]) -> list[Suggestions]:
    """Turns a model's outputs, nested lists, into the suggestions for n texts.

    Raises:
        CallError: An output is missing, or they don't match each other or `texts`.
    """
    wanted = [names.OUTPUT_LABELS, names.OUTPUT_SCORES, names.OUTPUT_SUGGESTED]
    if names.OUTPUT_CONTRIBUTIONS in outputs:
        wanted += [names.OUTPUT_NGRAMS, names.OUTPUT_CONTRIBUTIONS]
        wanted += [names.OUTPUT_REST, names.OUTPUT_BIAS]
    try:
        shares = outputs.get(names.OUTPUT_KNOWN_SHARE, [None] * texts)
        columns = [range(texts), shares, *(outputs[name] for name in wanted)]
        return [
            Suggestions([_suggestion(*values) for values in zip(*rows, strict=True)], share)
            for _, share, *rows in zip(*columns, strict=True)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise CallError(
            Fault.BAD_ANSWER,
            f"of its outputs {sorted(outputs)}, {', '.join(wanted)} should have a row for each of "
            f"{texts} texts, a label in each place ({error})",
        ) from error


def _suggestion(label: Any, score: Any, suggested: Any, *why: Any) -> Suggestion:
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    if not (isinstance(label, str) and is_number and isinstance(suggested, bool)):
        raise ValueError(
            f"{label!r}, {score!r}, {suggested!r} are not a label, a score and true or false"
        )
    if not why:
        return Suggestion(label, float(score), suggested)
    ngrams, contributions, rest, bias = why
    added = {each: by for each, by in zip(ngrams, contributions, strict=True) if each}
    return Suggestion(label, float(score), suggested, why=Why(added, rest, bias))
