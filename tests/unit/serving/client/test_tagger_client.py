"""The client on both protocols: what it sends, how it retries, what it says of an error."""

from __future__ import annotations

import socket

import pytest

from schema.errors import BadInputError, TaggerError, UsageError
from serving.client import Retry, Suggestion, TaggerClient
from tests.support.little_server import Asked, LittleServer, closed_port, expected

TEXTS = ["a", "größe\nand an abstract", ""]
PROTOCOLS = ["rest", "grpc"]


@pytest.fixture(scope="module")
def shared_server():
    with LittleServer() as server:
        yield server


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    return request.param


@pytest.fixture
def server(shared_server):
    shared_server.asked.clear()
    shared_server.busy = 0
    return shared_server


@pytest.fixture
def connect(server, protocol):
    """Makes a client of the server; by default it does not wait between tries."""

    def connect(**options) -> TaggerClient:
        options = {"address": server.address(protocol), "sleep": lambda _: None, **options}
        return TaggerClient(protocol=protocol, **options)

    return connect


def test_every_text_gets_its_own_labels(connect, server, protocol):
    with connect() as client:
        assert client.suggest(TEXTS) == [expected(text) for text in TEXTS]
        assert client.suggest(["größe"])[0][0] == Suggestion("größe", 71 / 128, True)
        assert client.suggest([]) == []
    assert server.asked == [
        Asked(protocol, "arxiv_tagger", None, "stable", TEXTS),
        Asked(protocol, "arxiv_tagger", None, "stable", ["größe"]),
    ]


def test_title_goes_on_a_line_before_the_abstract(connect, server):
    with connect() as client:
        assert client.suggest_paper("T", "An abstract") == expected("T\nAn abstract")
        client.suggest_paper("", "An abstract")
    assert [asked.texts for asked in server.asked] == [["T\nAn abstract"], ["An abstract"]]


@pytest.mark.parametrize(
    ("choice", "version", "label"),
    [({"version": 12}, 12, None), ({"label": "stable"}, None, "stable"), ({}, None, "stable")],
)
def test_version_or_label_reaches_the_server(connect, server, protocol, choice, version, label):
    with connect(**choice) as client:
        client.suggest(["x"])
    assert server.asked == [Asked(protocol, "arxiv_tagger", version, label, ["x"])]


def test_waits_double_up_to_a_limit_and_vary():
    retry = Retry(first_delay=0.1, max_delay=1.0)
    for tried, delay in {0: 0.1, 1: 0.2, 2: 0.4, 3: 0.8, 4: 1.0, 5000: 1.0}.items():
        waits = {retry.wait(tried) for _ in range(20)}
        assert all(delay / 2 <= wait <= delay for wait in waits)
        assert len(waits) > 1


@pytest.mark.parametrize("busy", [0, 1, 3])
def test_busy_server_is_asked_again_after_each_wait(connect, server, busy):
    server.busy = busy
    waits: list[float] = []
    with connect(retry=Retry(times=3, first_delay=0.4), sleep=waits.append) as client:
        assert client.suggest(TEXTS) == [expected(text) for text in TEXTS]
    assert len(server.asked) == busy + 1
    assert waits == [pytest.approx(0.75 * delay, rel=1 / 3) for delay in (0.4, 0.8, 1.6)[:busy]]


def test_server_that_stays_busy_is_given_up(connect, server, protocol):
    server.busy = 99
    with (
        connect(retry=Retry(times=3)) as client,
        pytest.raises(TaggerError, match="The batch scheduling queue is full") as raised,
    ):
        client.suggest(["x"])
    assert server.address(protocol) in str(raised.value)
    assert raised.value.exit_code == 1
    assert len(server.asked) == 4


def test_refused_connection_says_how_to_start_a_server(connect):
    address = f"127.0.0.1:{closed_port()}"
    waits: list[float] = []
    with (
        connect(address=address, retry=Retry(times=2), sleep=waits.append) as client,
        pytest.raises(TaggerError, match=f"no server at {address} .*Connection refused"),
    ):
        client.suggest(["x"])
    assert len(waits) == 2


def test_silent_server_is_given_up_after_the_timeout(connect):
    """A socket that takes the connection and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with (
            connect(address=f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.2) as client,
            pytest.raises(TaggerError, match=r"no answer in 0.2 s.*--timeout"),
        ):
            client.suggest(["a"])


def test_invalid_unicode_is_an_error_before_anything_is_sent(connect, server):
    with connect() as client, pytest.raises(BadInputError, match="Text 2 is not valid UTF-8"):
        client.suggest(["fine", "\ud800"])
    assert server.asked == []


def test_megabytes_and_thousands_of_texts_go_through(connect):
    with connect() as client:
        assert client.suggest(["x" * 10**6 * 5]) == [expected("x" * 10**6 * 5)]
        texts = [str(number) for number in range(5_000)]
        assert client.suggest(texts) == [expected(text) for text in texts]


def test_proxy_of_the_environment_is_ignored(connect, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with connect() as client:
        assert client.suggest(["a"]) == [expected("a")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"address": "localhost"}, "HOST:PORT"),
        ({"address": "http://localhost:8501"}, "HOST:PORT"),
        ({"address": "localhost:0"}, "HOST:PORT"),
        ({"address": "localhost:65536"}, "HOST:PORT"),
        ({"address": "localhost:port"}, "HOST:PORT"),
        ({"address": "::1:8501"}, "HOST:PORT"),
        ({"version": 1, "label": "stable"}, "not both"),
        ({"label": ""}, "label is empty"),
        ({"model": ""}, "name is empty"),
        ({"timeout": 0}, "more than 0"),
        ({"timeout": -1}, "more than 0"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        TaggerClient(**options)


@pytest.mark.parametrize(
    ("protocol", "address", "expected_address"),
    [
        ("rest", None, "127.0.0.1:8501"),
        ("grpc", None, "127.0.0.1:8500"),
        ("rest", "[::1]:9000", "[::1]:9000"),
        ("grpc", "tagger-1.default.svc:80", "tagger-1.default.svc:80"),
    ],
)
def test_address_has_a_default_and_may_be_a_name_or_ipv6(protocol, address, expected_address):
    with TaggerClient(address, protocol=protocol) as client:
        assert client.address == expected_address
