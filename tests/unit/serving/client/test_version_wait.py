"""Waiting for a server to load versions, over REST without a network."""

from __future__ import annotations

import httpx
import pytest

from schema.errors import RefusedError, TaggerError, UsageError
from serving.client.version_wait import wait_until_available

ADDRESS = "127.0.0.1:8501"
NOT_KNOWN = httpx.Response(404, json={"error": "Could not find any versions of model arxiv_tagger"})


def statuses(**states: str) -> httpx.Response:
    """As TF Serving writes them; after a colon comes the error."""
    rows = []
    for version, state in states.items():
        state, _, message = state.partition(":")
        code = "INTERNAL" if message else "OK"
        status = {"error_code": code, "error_message": message}
        rows.append({"version": version.removeprefix("v"), "state": state, "status": status})
    return httpx.Response(200, json={"model_version_status": rows})


class Clock:
    """A second passes with each sleep."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, _: float) -> None:
        self.now += 1.0


def wait(versions, *responses: httpx.Response | Exception, timeout: float = 100.0) -> list[str]:
    """Waits; the last response repeats. Returns the paths that were asked."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        response = responses[min(len(asked), len(responses)) - 1]
        if isinstance(response, Exception):
            raise response
        return response

    clock = Clock()
    transport = httpx.MockTransport(answer)
    wait_until_available(ADDRESS, versions, timeout, transport, clock.sleep, clock)
    return asked


def test_it_returns_when_all_versions_answer():
    asked = wait(
        {2, 3},
        NOT_KNOWN,
        statuses(v1="AVAILABLE"),
        statuses(v1="AVAILABLE", v2="START", v3="LOADING"),
        statuses(v1="AVAILABLE", v2="AVAILABLE", v3="LOADING"),
        statuses(v3="AVAILABLE", v2="AVAILABLE", v1="AVAILABLE"),
        statuses(v2="END", v3="END"),
    )
    assert asked == ["/v1/models/arxiv_tagger"] * 5


def test_unloaded_version_is_waited_for():
    assert len(wait({2}, statuses(v2="END"), statuses(v2="AVAILABLE"))) == 2


def test_version_that_fails_to_load_ends_the_wait_with_its_reason():
    with pytest.raises(RefusedError, match=r"version 2: no saved_model\.pb.*No label was moved"):
        wait({2}, statuses(v2="LOADING"), statuses(v1="AVAILABLE", v2="END:no saved_model.pb"))


def test_earlier_failures_do_not_count():
    mended = [statuses(v2="END:old"), statuses(v2="END:old"), statuses(v2="LOADING")]
    assert len(wait({2}, *mended, statuses(v2="AVAILABLE"))) == 4
    with pytest.raises(RefusedError, match="version 2: old"):
        wait({2}, *mended, statuses(v2="END:old"))


def test_slow_server_is_asked_again():
    assert len(wait({2}, httpx.ReadTimeout("timed out"), statuses(v2="AVAILABLE"))) == 2
    with pytest.raises(TaggerError, match="has not loaded version 2 in 5 s"):
        wait({2}, httpx.ReadTimeout("timed out"), timeout=5)


def test_failures_of_other_versions_do_not_count():
    assert len(wait({2}, statuses(v1="END:broken", v2="AVAILABLE"))) == 1


def test_timeout_names_what_is_missing():
    with pytest.raises(TaggerError, match=r"version 2, 10 in 5 s.*poll_wait_seconds"):
        wait({10, 2, 3}, statuses(v3="AVAILABLE", v2="LOADING"), timeout=5)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.ConnectError("Connection refused"), "Connection refused"),
        (httpx.Response(200, text="hello"), "not that of a model server"),
        (httpx.Response(200, json=["hello"]), "not that of a model server"),
        (httpx.Response(200, json={"model_version_status": [{}]}), "not that of a model server"),
    ],
)
def test_error_names_the_address(response, said):
    with pytest.raises(TaggerError, match=said) as raised:
        wait({2}, response)
    assert ADDRESS in str(raised.value)


def test_invalid_address_is_a_usage_error():
    with pytest.raises(UsageError, match="HOST:PORT"):
        wait_until_available("localhost", {2}, 1)
