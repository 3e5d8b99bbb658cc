"""Asks a model server for the subject areas of texts."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from schema import names
from schema.errors import TaggerError, UsageError
from schema.text import encode_text, join_title_and_abstract
from serving.client.transport import Answer, CallError, Fault, Target, Transport
from serving.suggestion import Suggestion

Protocol = Literal["rest", "grpc"]

DEFAULT_ADDRESSES: Final[dict[Protocol, str]] = {
    "rest": "127.0.0.1:8501",
    "grpc": "127.0.0.1:8500",
}
_ADDRESS: Final = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})")
_WORTH_A_RETRY: Final = (Fault.REFUSED, Fault.UNAVAILABLE)


@dataclass(frozen=True)
class Retry:
    """How long to go on asking a server that is not there or has too much to do.

    Each wait is drawn between half of a delay and all of it, so that clients which failed
    together don't come back together; the delay doubles from try to try.

    Attributes:
        times: Tries after the first.
        first_delay: Longest first wait, in seconds.
        max_delay: Longest wait, in seconds.
    """

    times: int = 4
    first_delay: float = 0.1
    max_delay: float = 5.0

    def waits(self, draw: Callable[[], float]) -> Iterator[float]:
        """Yields the seconds to wait before each further try.

        Args:
            draw: Returns random numbers from 0 to 1.
        """
        for number in range(self.times):
            delay = min(self.first_delay * 2.0**number, self.max_delay)
            yield delay * (0.5 + 0.5 * draw())


class TaggerClient:
    """Sends texts to one model on one server; safe to use from several threads.

    Args:
        address: HOST:PORT; by default the protocol's own port on this machine.
        protocol: `rest` or `grpc`.
        model: The model's name on the server.
        version: Its version; not together with `label`.
        label: Its version's label; where neither is given the server's latest version answers.
        timeout: Seconds that one try may take.
        retry: Further tries where the server is not there (connection refused) or says that it
            can't answer now (UNAVAILABLE, 503). Nothing else is tried again.
        transport: What sends the requests, in place of the protocol's own.
        sleep: Waits between tries.
        draw: Random numbers from 0 to 1 for the waits.

    Raises:
        UsageError: The address, version, label or timeout makes no sense.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        protocol: Protocol = "rest",
        model: str = names.MODEL_NAME,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
        retry: Retry | None = None,
        transport: Transport | None = None,
        sleep: Callable[[float], object] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.address = check_address(address or DEFAULT_ADDRESSES[protocol])
        if not model:
            raise UsageError("The model's name is empty. Give the name that the server knows.")
        if version is not None and label is not None:
            raise UsageError("Give a version or a label of the model, not both.")
        if label == "":
            raise UsageError("The label is empty. Give one that the server knows, as `stable`.")
        if timeout <= 0:
            raise UsageError(f"The timeout is {timeout:g} seconds; give more than 0.")
        self.target = Target(model, version, label)
        self._protocol = protocol
        self._timeout = timeout
        self._retry = retry or Retry()
        self._sleep = sleep
        self._draw = draw
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
            texts: Abstracts, or titles joined with abstracts as `schema.text` does it.

        Returns:
            For each text its k labels, best first.

        Raises:
            BadInputError: A text can't be written as UTF-8.
            UsageError: The server has no such model, or it is none of this project's.
            TaggerError: There is no server, or it gives no answer or a wrong one.
        """
        for number, text in enumerate(texts, start=1):
            encode_text(text, f"Text {number}")
        if not texts:
            return []
        try:
            answer = self._ask(texts)
            return _read(answer, len(texts))
        except CallError as error:
            raise self._explain(error) from error

    def suggest_paper(self, title: str, abstract: str) -> list[Suggestion]:
        """Suggests labels for one paper; see `suggest`."""
        return self.suggest([join_title_and_abstract(title, abstract)])[0]

    def _ask(self, texts: Sequence[str]) -> Answer:
        waits = self._retry.waits(self._draw)
        while True:
            try:
                return self._transport.predict(self.target, texts, self._timeout)
            except CallError as error:
                wait = next(waits, None) if error.fault in _WORTH_A_RETRY else None
                if wait is None:
                    raise
                logging.getLogger(__name__).info(
                    "%s: %s; asking again in %.2f s", self.address, error, wait
                )
                self._sleep(wait)

    def _explain(self, error: CallError) -> TaggerError:
        """Turns a failed call into a message that says what to do."""
        where, detail = self.address, error.detail.rstrip(".")
        if error.fault is Fault.REFUSED:
            return TaggerError(
                f"There is no server at {where} ({detail}). Start one with `arxiv-tagger serve`, "
                "or give another --address."
            )
        if error.fault is Fault.UNAVAILABLE:
            return TaggerError(
                f"The server at {where} is not there or can't answer now: {detail}. Start one with "
                "`arxiv-tagger serve`, give another --address, or try again later."
            )
        if error.fault is Fault.UNREACHABLE:
            port = {"rest": "REST (8501 by default)", "grpc": "gRPC (8500 by default)"}
            return TaggerError(
                f"The connection to {where} failed: {detail}. Check the host, and that the port "
                f"is the server's for {port[self._protocol]}."
            )
        if error.fault is Fault.TIMEOUT:
            return TaggerError(
                f"The server at {where} gave no answer in {self._timeout:g} s. Give more "
                "--timeout, or fewer texts at once."
            )
        unknown_label = self.target.label is not None and "version label" in detail
        if error.fault is Fault.NOT_FOUND or unknown_label:
            return UsageError(
                f"The server at {where} has no {self.target}: {detail}. Give a --model, and a "
                "--version or --label, that it serves."
            )
        if error.fault is Fault.INVALID:
            return UsageError(
                f"The server at {where} can't ask {self.target} for labels: {detail}. It must be "
                f"a model that this project pushed, with a signature {names.SIGNATURE_DEFAULT!r} "
                f"from {names.INPUT_TEXT!r} to labels."
            )
        if error.fault is Fault.BAD_ANSWER:
            return TaggerError(
                f"What answers at {where} is no server of a model of this project: {detail}. "
                "Check --address and --model."
            )
        return TaggerError(f"The server at {where} failed: {detail}. Its log says more.")


def check_address(address: str) -> str:
    """Returns an address if it is HOST:PORT.

    Raises:
        UsageError: It is not.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 65_536:
        example = DEFAULT_ADDRESSES["rest"]
        raise UsageError(f"{address!r} is no address. Give HOST:PORT, as {example}.")
    return address


def _connect(protocol: Protocol, address: str) -> Transport:
    # Only the library of the protocol in use is loaded.
    if protocol == "grpc":
        from serving.client.grpc_transport import GrpcTransport

        return GrpcTransport(address)
    from serving.client.rest import RestTransport

    return RestTransport(address)


def _read(answer: Answer, texts: int) -> list[list[Suggestion]]:
    columns = (answer.labels, answer.scores, answer.suggested)
    shapes = [[len(row) for row in column] for column in columns]
    if any(shape != shapes[0] for shape in shapes) or len(shapes[0]) != texts:
        found = ", ".join(str(len(shape)) for shape in shapes)
        raise CallError(
            Fault.BAD_ANSWER,
            f"its labels, scores and suggestions do not fit together or to {texts} texts "
            f"({found} rows)",
        )
    return [
        [_suggestion(*values) for values in zip(*rows, strict=True)]
        for rows in zip(*columns, strict=True)
    ]


def _suggestion(label: Any, score: Any, suggested: Any) -> Suggestion:
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    if not (isinstance(label, str) and is_number and isinstance(suggested, bool)):
        raise CallError(
            Fault.BAD_ANSWER,
            f"{label!r}, {score!r}, {suggested!r} is no label with a score and a yes or no",
        )
    return Suggestion(label, float(score), suggested)
