"""Asks a model server for the subject areas of texts, with retries and readable errors."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from schema import names
from schema.errors import TaggerError, UsageError
from schema.text import encode_text, join_title_and_abstract
from serving.client.transport import (
    DEFAULT_ADDRESSES,
    CallError,
    Fault,
    ProtocolName,
    Target,
    Transport,
    check_address,
)
from serving.suggestion import Suggestion

_WORTH_A_RETRY: Final = (Fault.REFUSED, Fault.UNAVAILABLE)
_PORTS: Final[dict[ProtocolName, str]] = {
    "rest": "REST (8501 by default)",
    "grpc": "gRPC (8500 by default)",
}
_MESSAGES: Final = {
    Fault.REFUSED: "There is no server at {where} ({detail}). Start one with `arxiv-tagger serve`, "
    "or give another --address.",
    Fault.UNAVAILABLE: "The server at {where} can't answer now: {detail}. Try again later, or give "
    "another --address.",
    Fault.UNREACHABLE: "The connection to {where} failed: {detail}. Check the host, and that the "
    "port is the server's for {port}.",
    Fault.TIMEOUT: "The server at {where} gave no answer in {timeout:g} s. Give a longer "
    "--timeout, or fewer texts at once.",
    Fault.NOT_FOUND: "The server at {where} has no {target}: {detail}. Give a --model, and a "
    "--version or --label, that it serves.",
    Fault.INVALID: "The server at {where} can't ask {target} for labels: {detail}. It must be a "
    f"model that this project pushed, with a signature {names.SIGNATURE_DEFAULT!r} from "
    f"{names.INPUT_TEXT!r} to labels.",
    Fault.BAD_ANSWER: "The answer from {where} is not that of a model of this project: {detail}. "
    "Check --address and --model.",
    Fault.SERVER: "The server at {where} failed: {detail}. Its log says more.",
}


@dataclass(frozen=True)
class Retry:
    """How often to ask again a server that is not there or overloaded.

    The delay doubles from try to try, and each wait is drawn between half of it and all of it, so
    that clients which failed together don't come back together.

    Attributes:
        times: Tries after the first.
        first_delay: Longest first wait, in seconds.
        max_delay: Longest wait, in seconds.
    """

    times: int = 4
    first_delay: float = 0.1
    max_delay: float = 5.0

    def waits(self) -> Iterator[float]:
        """Yields the seconds to wait before each further try."""
        for number in range(self.times):
            delay = min(self.first_delay * 2.0**number, self.max_delay)
            yield delay * random.uniform(0.5, 1.0)


class TaggerClient:
    """Sends texts to one model on one server; threads may share it.

    Args:
        address: HOST:PORT; by default the protocol's own port on this machine.
        protocol: `rest` or `grpc`.
        model: The model's name on the server.
        version: Its version; not together with `label`.
        label: Its version's label; without version and label the server's latest version answers.
        timeout: Seconds to wait for each try.
        retry: Further tries if the connection is refused or the server says that it can't answer
            now (UNAVAILABLE, 503). No other error is retried.
        label_names: What labels are called, which no server says; see `Suggestion.name`.
        transport: What sends the requests, in place of the protocol's own.
        sleep: Waits between tries.

    Raises:
        UsageError: The address, version, label or timeout makes no sense.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        protocol: ProtocolName = "rest",
        model: str = names.MODEL_NAME,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
        retry: Retry | None = None,
        label_names: Mapping[str, str] = MappingProxyType({}),
        transport: Transport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.address = check_address(address or DEFAULT_ADDRESSES[protocol])
        if not model:
            raise UsageError("The model's name is empty. Give the name that the server knows.")
        if version is not None and label is not None:
            raise UsageError("Give a version or a label of the model, not both.")
        if label == "":
            raise UsageError("The label is empty. Give one that the server knows, such as stable.")
        if timeout <= 0:
            raise UsageError(f"The timeout is {timeout:g} seconds; give more than 0.")
        self.target = Target(model, version, label)
        self._protocol = protocol
        self._timeout = timeout
        self._retry = retry or Retry()
        self._sleep = sleep
        self._label_names = label_names
        self._transport = transport or _connect(protocol, self.address)

    def __enter__(self) -> TaggerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def suggest(self, texts: Sequence[str]) -> list[list[Suggestion]]:
        """Suggests labels for texts, in one request.

        Args:
            texts: Abstracts, or titles and abstracts joined by `schema.text`.

        Returns:
            For each text its k labels, best first.

        Raises:
            BadInputError: A text can't be encoded as UTF-8.
            UsageError: The server has no such model, or it is not one of this project's.
            TaggerError: There is no server, or no usable answer.
        """
        for number, text in enumerate(texts, start=1):
            encode_text(text, f"Text {number}")
        if not texts:
            return []
        waits = self._retry.waits()
        while True:
            try:
                answer = self._transport.predict(self.target, texts, self._timeout)
            except CallError as error:
                wait = next(waits, None) if error.fault in _WORTH_A_RETRY else None
                if wait is None:
                    raise self._explain(error) from error
                logging.getLogger(__name__).info(
                    "%s: %s; retrying in %.2f s", self.address, error, wait
                )
                self._sleep(wait)
            else:
                return [self._named(labels) for labels in answer] if self._label_names else answer

    def _named(self, labels: Sequence[Suggestion]) -> list[Suggestion]:
        return [replace(each, name=self._label_names.get(each.label, "")) for each in labels]

    def suggest_paper(self, title: str, abstract: str) -> list[Suggestion]:
        """Suggests labels for one paper; see `suggest`."""
        return self.suggest([join_title_and_abstract(title, abstract)])[0]

    def _explain(self, error: CallError) -> TaggerError:
        """Turns a failed call into a message that says what to do."""
        fault = error.fault
        if self.target.label is not None and "version label" in error.detail:
            # Over REST an unknown label is a bad request.
            fault = Fault.NOT_FOUND
        message = _MESSAGES[fault].format(
            where=self.address,
            detail=error.detail.rstrip("."),
            target=self.target,
            timeout=self._timeout,
            port=_PORTS[self._protocol],
        )
        is_usage = fault in (Fault.NOT_FOUND, Fault.INVALID)
        return UsageError(message) if is_usage else TaggerError(message)


def _connect(protocol: ProtocolName, address: str) -> Transport:
    # Only the library of the protocol in use is loaded.
    if protocol == "grpc":
        from serving.client.grpc_transport import GrpcTransport

        return GrpcTransport(address)
    from serving.client.rest_transport import RestTransport

    return RestTransport(address)
