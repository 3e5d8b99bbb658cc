"""Waits until a model server has loaded versions of a model."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, Final

import httpx

from schema import names
from schema.errors import RefusedError, TaggerError
from serving.client.rest_transport import open_client
from serving.client.transport import check_address

_POLL_SECONDS: Final = 0.5


def wait_until_available(
    address: str,
    versions: Collection[int],
    timeout: float,
    http: httpx.BaseTransport | None = None,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Returns once a server has loaded the given versions of this project's model.

    Args:
        address: HOST:PORT of the server's REST API.
        versions: Numbers of the versions.
        timeout: Seconds to wait.
        http: What sends the requests; by default real connections.
        sleep: Waits between polls.
        clock: Returns seconds since any moment.

    Raises:
        UsageError: `address` is not HOST:PORT.
        RefusedError: The server could not load a version.
        TaggerError: There is no server, or it took too long.

    Source: TF Serving's API guide, "Model status API".
    """
    end = clock() + timeout
    with open_client(check_address(address), http) as client:
        statuses = before = _read_statuses(client, address)
        while True:
            before = {each: last for each, last in before.items() if statuses.get(each) == last}
            for version in versions:
                status = statuses.get(version, {})
                message = status.get("status", {}).get("error_message")
                # A failure from before this wait does not count.
                if status.get("state") == "END" and message and version not in before:
                    raise RefusedError(
                        f"The server at {address} can't load version {version}: {message}. No "
                        "label was moved."
                    )
            missing = [
                str(version)
                for version in sorted(versions)
                if statuses.get(version, {}).get("state") != "AVAILABLE"
            ]
            if not missing:
                return
            if clock() > end:
                raise TaggerError(
                    f"The server at {address} has not loaded version {', '.join(missing)} in "
                    f"{timeout:g} s. Check that it polls this models.config "
                    "(--model_config_file_poll_wait_seconds), and its log. No label was moved."
                )
            sleep(_POLL_SECONDS)
            statuses = _read_statuses(client, address)


def _read_statuses(client: httpx.Client, address: str) -> dict[int, Any]:
    try:
        response = client.get(f"/v1/models/{names.MODEL_NAME}")
        content = response.json()
        # A server that does not know the model yet answers with an error, which has no statuses.
        return {int(each["version"]): each for each in content.get("model_version_status", ())}
    except httpx.TimeoutException:
        # Busy, most likely with loading.
        return {}
    except httpx.HTTPError as error:
        raise TaggerError(
            f"No model server's REST API answers at {address}: {error}. Check --address."
        ) from error
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise TaggerError(
            f"The answer from {address} is not that of a model server's REST API. Check --address."
        ) from error
