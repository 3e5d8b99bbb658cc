"""Asks a model server for the subject areas of texts, with retries and readable errors."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from schema import names
from schema.errors import TaggerError, UsageError
from schema.text import encode_text, join_title_and_abstract
from serving.client.pace import Pace
from serving.client.transport import (
    DEFAULT_ADDRESSES,
    Access,
    CallError,
    Fault,
    ProtocolName,
    Target,
    Transport,
    check_address,
)
from serving.suggestion import Suggestions

# As a `label`: ask without one.
NO_LABEL: Final = "none"
# How long a server without the label `stable` is asked without one.
_UNLABELLED_SECONDS: Final = 60.0
_WORTH_A_RETRY: Final = (Fault.REFUSED, Fault.UNAVAILABLE)
_MESSAGES: Final = {
    Fault.REFUSED: "There is no server at {where} ({detail}). Start one with `arxiv-tagger serve`, "
    "or give another --address.",
    Fault.UNAVAILABLE: "The server at {where} can't answer now: {detail}. Try again later, or give "
    "another --address, or --tls-ca if it speaks TLS.",
    Fault.DENIED: "The server at {where} does not let you in: {detail}. {token_remedy}",
    Fault.BUSY: "The server at {where} is too busy: {detail}. Try again later, ask from fewer "
    "threads, or let it take more calls at once: over gRPC, with a higher --grpc_max_threads.",
    Fault.TOO_LARGE: "The server at {where} takes no request of this size: {detail}. Send fewer "
    "texts at once (--batch-size with --file), or shorter ones.",
    Fault.UNREACHABLE: "The connection to {where} failed: {detail}. Check the host, that the port "
    "is the one for this API (REST: 8501 by default, gRPC: 8500), and that --tls-ca is given just "
    "where the server speaks TLS, with the authority of its certificate.",
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
        times: Tries after the first; 0 gives up on a busy server too.
        first_delay: Longest first wait, in seconds.
        max_delay: Longest wait, in seconds.
    """

    times: int = 4
    first_delay: float = 0.1
    max_delay: float = 5.0

    def wait(self, tried: int) -> float:
        """Returns the seconds to wait before another try, after that many further ones."""
        # A long timeout has room for more tries than a float has powers of two.
        delay = min(self.first_delay * 2.0 ** min(tried, 64), self.max_delay)
        return delay * random.uniform(0.5, 1.0)


class TaggerClient:
    """Sends texts to one model on one server; threads may share it.

    Threads that share it send no more at once than the server takes (`Pace`).

    Args:
        address: HOST:PORT; by default the protocol's own port on this machine.
        protocol: `rest` or `grpc`.
        model: The model's name on the server.
        version: Its version; not together with `label`.
        label: Its version's label. Without version and label it is `stable`, and the server's
            latest version answers where there is none; `none` always asks for the latest.
        timeout: Seconds to wait for each try, and for a turn at a busy server.
        retry: Further tries if the connection is refused or the server says that it can't answer
            now (UNAVAILABLE, 503). A server that is too busy (RESOURCE_EXHAUSTED, 429) is asked
            until the timeout. No other error is retried.
        token: What the server's `--auth_token_file` holds.
        tls_ca: Speaks TLS and trusts this PEM file of authorities; `public` is Mozilla's list.
        label_names: What labels are called, which no server says; see `Suggestion.name`.
        transport: What sends the requests, in place of the protocol's own.
        sleep: Waits between tries.
        clock: Returns seconds since any moment.

    Raises:
        UsageError: The address, version, label, timeout, token or file makes no sense.
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
        token: str | None = None,
        tls_ca: str | Path | None = None,
        label_names: Mapping[str, str] = MappingProxyType({}),
        transport: Transport | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
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
        # Asked for again without its label where the server does not know it.
        self._falls_back = version is None and label is None
        self._unlabelled_until = -math.inf
        if self._falls_back:
            label = names.STABLE
        self.target = Target(model, version, None if label == NO_LABEL else label)
        self._timeout = timeout
        self._retry = retry or Retry()
        self._sleep = sleep
        self._clock = clock
        self._pace = Pace()
        self._label_names = label_names
        self._access = Access(token, tls_ca)
        self._transport = transport or _connect(protocol, self.address, self._access)

    def __enter__(self) -> TaggerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def suggest(self, texts: Sequence[str], *, explain: bool = False) -> list[Suggestions]:
        """Suggests labels for texts, in one request.

        Args:
            texts: Abstracts, or titles and abstracts joined by `schema.text`.
            explain: Whether to ask why, for at most 256 texts; a model that can't say gives no
                reasons.

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
        return [labels.named(self._label_names) for labels in self._ask(texts, explain)]

    def _ask(self, texts: Sequence[str], explain: bool) -> list[Suggestions]:
        end = self._clock() + self._timeout
        tried = 0
        while True:
            target = self.target
            if explain:
                target = replace(target, signature=names.SIGNATURE_EXPLAIN)
            if self._unlabelled_until > self._clock():
                target = replace(target, label=None)
            try:
                with self._pace.call(end - self._clock()):
                    return self._transport.predict(target, texts, self._timeout)
            except CallError as error:
                if self._falls_back and target.label and _is_unknown_label(error):
                    self._unlabelled_until = self._clock() + _UNLABELLED_SECONDS
                    continue
                if explain and f'"{names.SIGNATURE_EXPLAIN}" not found' in error.detail:
                    # A model of an earlier version.
                    explain = False
                    continue
                wait = self._retry.wait(tried)
                if not self._is_worth_a_retry(error.fault, tried, end - self._clock() - wait):
                    raise self._explain(error, target) from error
                logging.getLogger(__name__).info(
                    "%s: %s; retrying in %.2f s", self.address, error, wait
                )
                self._sleep(wait)
                tried += 1

    def _is_worth_a_retry(self, fault: Fault, tried: int, left: float) -> bool:
        if fault is Fault.BUSY:
            return self._retry.times > 0 and left > 0
        return fault in _WORTH_A_RETRY and tried < self._retry.times

    def suggest_paper(self, title: str, abstract: str) -> Suggestions:
        """Suggests labels for one paper; see `suggest`."""
        return self.suggest([join_title_and_abstract(title, abstract)])[0]

    def _explain(self, error: CallError, target: Target) -> TaggerError:
        """Turns a failed call into a message that says what to do."""
        # To the server an unknown label is an invalid request.
        fault = Fault.NOT_FOUND if _is_unknown_label(error) else error.fault
        message = _MESSAGES[fault].format(
            where=self.address,
            detail=error.detail.rstrip("."),
            target=target,
            timeout=self._timeout,
            token_remedy=self._access.token_remedy,
        )
        is_usage = fault in (Fault.NOT_FOUND, Fault.INVALID, Fault.DENIED)
        return UsageError(message) if is_usage else TaggerError(message)


def _is_unknown_label(error: CallError) -> bool:
    return "Unrecognized servable version label" in error.detail


def _connect(protocol: ProtocolName, address: str, access: Access) -> Transport:
    # Only the library of the protocol in use is loaded.
    if protocol == "grpc":
        from serving.client.grpc_transport import GrpcTransport

        return GrpcTransport(address, access)
    from serving.client.rest_transport import RestTransport

    return RestTransport(address, access)
