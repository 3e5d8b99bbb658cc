"""Asks a model server over REST (TF Serving's API guide, "Predict API", column format)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx

from schema import names
from serving.client.transport import Access, CallError, Fault, Target, read_object, to_suggestions
from serving.suggestion import Suggestions

# TF Serving's HTTP statuses (`model_servers/http_server.cc`); a failed precondition is a 400 too.
_FAULTS: Final = {
    400: Fault.INVALID,
    401: Fault.DENIED,
    403: Fault.DENIED,
    404: Fault.NOT_FOUND,
    413: Fault.TOO_LARGE,
    429: Fault.BUSY,
    503: Fault.UNAVAILABLE,
    504: Fault.TIMEOUT,
}


class RestTransport:
    """A connection pool to one server.

    Args:
        address: HOST:PORT.
        access: What the server wants.
        http: What sends the requests; by default real connections.
    """

    def __init__(
        self, address: str, access: Access, http: httpx.BaseTransport | None = None
    ) -> None:
        url = f"{'https' if access.verify else 'http'}://{address}"
        # Not by the environment's proxy: a model server stands in the local network.
        http = http or httpx.HTTPTransport(verify=access.verify)
        self._client = httpx.Client(base_url=url, headers=access.headers, transport=http)

    def predict(self, target: Target, texts: Sequence[str], timeout: float) -> list[Suggestions]:
        """Asks once; see `Transport`."""
        body = {"signature_name": target.signature, "inputs": {names.INPUT_TEXT: list(texts)}}
        try:
            response = self._client.post(_path(target), json=body, timeout=timeout)
        except httpx.HTTPError as error:
            raise CallError(_fault(error), str(error) or type(error).__name__) from error
        content = read_object(response.content)
        if response.status_code != 200:
            raise _refusal(response, content)
        outputs = content.get("outputs")
        if not isinstance(outputs, dict):
            raise CallError(Fault.BAD_ANSWER, f"no named outputs in {_start(response)}")
        return to_suggestions(len(texts), outputs)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _path(target: Target) -> str:
    path = f"/v1/models/{quote(target.model, safe='')}"
    if target.version is not None:
        path += f"/versions/{target.version}"
    elif target.label is not None:
        path += f"/labels/{quote(target.label, safe='')}"
    return f"{path}:predict"


def _fault(error: httpx.HTTPError) -> Fault:
    if isinstance(error, httpx.TimeoutException):
        return Fault.TIMEOUT
    # The server went away; asking again does no harm.
    is_cut = isinstance(error, httpx.RemoteProtocolError) and "without sending" in str(error)
    if is_cut or isinstance(error, httpx.ReadError | httpx.WriteError):
        return Fault.UNAVAILABLE
    return Fault.REFUSED if "Connection refused" in str(error) else Fault.UNREACHABLE


def _refusal(response: httpx.Response, content: dict[str, Any]) -> CallError:
    fault = _FAULTS.get(response.status_code, Fault.SERVER)
    if isinstance(message := content.get("error"), str):
        return CallError(fault, message)
    # A load balancer in front of the server answers these in its own format.
    if fault not in (Fault.UNAVAILABLE, Fault.BUSY, Fault.DENIED, Fault.TOO_LARGE):
        fault = Fault.BAD_ANSWER
    return CallError(fault, f"HTTP {response.status_code}: {_start(response)}")


def _start(response: httpx.Response, length: int = 120) -> str:
    return repr(response.text if len(response.text) <= length else response.text[:length] + "…")
