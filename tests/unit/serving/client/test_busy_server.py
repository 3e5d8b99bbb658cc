"""A server that takes few calls at once, and one that does not know the label `stable`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from schema.errors import TaggerError, UsageError
from serving.client import Retry, TaggerClient
from serving.client.pace import Pace
from serving.client.transport import CallError, Fault
from tests.support.little_server import LittleServer, expected


@pytest.fixture
def server():
    with LittleServer() as server:
        yield server


@pytest.fixture(params=["rest", "grpc"])
def connect(server, request):
    """Makes a client for whom time passes only when it waits between tries."""
    now = [0.0]

    def connect(**options) -> TaggerClient:
        return TaggerClient(
            server.address(request.param),
            protocol=request.param,
            clock=lambda: now[-1],
            sleep=lambda seconds: now.append(now[-1] + seconds),
            **options,
        )

    connect.now = now
    return connect


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_threads_send_no_more_than_the_server_takes(server, protocol):
    server.places, server.seconds = 4, 0.005
    texts = [f"text {number}" for number in range(200)]
    client = TaggerClient(server.address(protocol), protocol=protocol)
    with client, ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda text: client.suggest([text])[0], texts))
        assert answers == [expected(text) for text in texts]
        # The 20 that came too many at first, and a few that asked for one place more.
        assert len(server.asked) < 200 + 60
        # With more places the client sends more, little by little.
        server.places = 1000
        server.asked.clear()
        list(pool.map(lambda text: client.suggest([text])[0], texts))
    assert len(server.asked) == 200


def test_the_limit_is_what_was_taken_and_grows_slowly():
    pace = Pace()

    def refused() -> None:
        with pace.call(0):
            raise CallError(Fault.BUSY, "no thread")

    with pace.call(0), pace.call(0):
        with pytest.raises(CallError, match="no thread"):
            refused()
        with pytest.raises(CallError, match="earlier calls"), pace.call(0):
            pass
    # Two calls at once go through; a third one only after some ten rounds of them.
    for _ in range(8):
        with pace.call(0), pace.call(0), pytest.raises(CallError), pace.call(0):
            pass
    for _ in range(4):
        with pace.call(0), pace.call(0):
            pass
    with pace.call(0), pace.call(0), pace.call(0):
        pass


def test_server_that_stays_busy_is_given_up_after_the_timeout(connect, server):
    server.places = 0
    with (
        connect(timeout=20, retry=Retry(times=1)) as client,
        pytest.raises(
            TaggerError, match=r"Server Threadpool Exhausted.*--grpc_max_threads"
        ) as said,
    ):
        client.suggest(["x"])
    assert said.value.exit_code == 1
    assert 15 <= connect.now[-1] <= 20
    server.asked.clear()
    with connect(retry=Retry(times=0)) as client, pytest.raises(TaggerError):
        client.suggest(["x"])
    assert len(server.asked) == 1


def labels_of(server: LittleServer) -> list[str | None]:
    labels = [asked.label for asked in server.asked]
    server.asked.clear()
    return labels


def test_stable_is_asked_for_where_the_server_has_it(connect, server):
    with connect() as client:
        client.suggest(["x"])
        assert labels_of(server) == ["stable"]
        server.labels.clear()
        assert client.suggest(["x"]) == [expected("x")]
        connect.now.append(connect.now[-1] + 59)
        client.suggest(["x"])
        # Unknown once, and remembered for a minute.
        assert labels_of(server) == ["stable", None, None]
        server.labels.add("stable")
        connect.now.append(connect.now[-1] + 2)
        client.suggest(["x"])
        assert labels_of(server) == ["stable"]


def test_a_label_that_is_asked_for_is_never_left_out(connect, server):
    server.labels.clear()
    with (
        connect(label="stable") as client,
        pytest.raises(UsageError, match="has no arxiv_tagger label stable"),
    ):
        client.suggest(["x"])
    with connect(label="none") as client:
        client.suggest(["x"])
    assert labels_of(server) == ["stable", None]
