"""What a client over REST may not do: too large, too slow, too many, without the token."""

import gzip
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import replace

import httpx
import pytest
from starlette.exceptions import HTTPException

from serving.server.api.json_document import parse
from serving.server.server import most_connections
from tests.support.model_store import until
from tests.support.running_server import RunningServer, running, two_models

PREDICT = "/v1/models/half:predict"
MOST_BYTES = 4 * 2**20
MOST_CONNECTIONS = 12
TOKEN = {"Authorization": "Bearer s3cret"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "token").write_text("s3cret\n")
    options = replace(
        two_models(folder),
        rest_api_max_body_bytes=MOST_BYTES,
        rest_api_max_connections=MOST_CONNECTIONS,
        rest_api_idle_timeout_seconds=1,
        auth_token_file=folder / "token",
        rest_api_enable_cors_support=True,
    )
    with running(options) as server:
        yield server


@pytest.fixture
def http(server: RunningServer):
    with httpx.Client(base_url=server.rest_url, headers=TOKEN, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def _still_answers(server, http):
    yield
    response = http.post(PREDICT, json={"instances": [1.0, 2.0]})
    assert response.json() == {"predictions": [3.5, 4.0]}


def connect(server: RunningServer, sent: bytes = b"") -> socket.socket:
    made = socket.socket()
    # Little of an answer fits.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(60)
    made.connect(("127.0.0.1", server.server.rest_port))
    made.sendall(sent)
    return made


def read_all(connection: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    found = b""
    with suppress(ConnectionError):
        while piece := connection.recv(2**20):
            found += piece
    return found


BLANKS = b'{"instances": [1.0]' + b" " * MOST_BYTES + b"}"


@pytest.mark.parametrize(
    ("body", "packed"),
    [(BLANKS, False), (gzip.compress(BLANKS, mtime=0), True), ((BLANKS for _ in range(1)), False)],
    ids=["plain", "packed", "in pieces"],
)
def test_a_body_that_is_too_large(http, body, packed):
    headers = {"Content-Encoding": "gzip"} if packed else {}
    got = http.post(PREDICT, content=body, headers=headers)
    assert got.status_code == 413
    assert f"larger than {MOST_BYTES} bytes" in got.json()["error"]


@pytest.mark.parametrize("items", [b"[]," * 2**18, b"1," * (2**23 + 1)], ids=["lists", "numbers"])
def test_a_document_with_too_many_values(items):
    with pytest.raises(HTTPException) as caught:
        parse(b'{"x": [' + items + b"1]}")
    assert caught.value.status_code == 413
    assert "more than 262144 lists and objects, or 8388608 values" in caught.value.detail


@pytest.mark.parametrize("head", [b"X: %s\r\n" % (b"x" * 60), b"x"], ids=["lines", "a line"])
def test_a_head_without_end(server, head):
    connection = connect(server, b"GET / HTTP/1.1\r\nX")
    with connection, pytest.raises(ConnectionError):
        connection.sendall(head * (2**24 // len(head)))


def test_a_head_in_one_piece(http):
    for length, status in ((60_000, 200), (70_000, 431)):
        got = http.get("/v1/models/half", headers={"X-Long": "x" * length})
        assert got.status_code == status


def test_requests_that_do_not_wait_for_answers(server):
    request = b"GET /v1/models/half HTTP/1.1\r\nAuthorization: Bearer s3cret\r\n\r\n"
    for count, answered in ((50, True), (5000, False)):
        with connect(server, request * count) as connection:
            connection.shutdown(socket.SHUT_WR)
            assert (read_all(connection).count(b"HTTP/1.1 200") == count) == answered


def test_clients_that_stand_still_are_cut_off(server):
    head = b"POST %s HTTP/1.1\r\nAuthorization: Bearer s3cret\r\n" % PREDICT.encode()
    body = b'{"instances":[' + b"0.5," * 10**6 + b"1]}"
    with ExitStack() as stack:
        for sent in (
            b"",
            b"\r\n",
            head,
            head + b"Content-Length: 99\r\n\r\n[",
            # The last asks for megabytes, and reads none.
            head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        ):
            last = stack.enter_context(connect(server, sent))
        state = server.server._rest.server_state
        server.do(until(lambda: len(state.connections) == 5))
        server.do(until(lambda: not state.connections))
        assert last.recv(12) == b"HTTP/1.1 200"


def test_connections_that_never_send_make_room(server, http, caplog):
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(server)) for _ in range(3 * MOST_CONNECTIONS)]
        for _ in range(3):
            assert http.post(PREDICT, json={"instances": [1.0]}).status_code == 200
        assert read_all(silent[0]) == b""
    assert f"All {MOST_CONNECTIONS} connections over REST were taken" in caplog.text


def test_connections_leave_files_to_models():
    code = "from serving.server.ports import most_connections as m; print(m(9), m(9999))"
    run = f"ulimit -Sn 64; ulimit -Hn 1024; exec {sys.executable} -c '{code}'"
    assert subprocess.check_output(["bash", "-c", run], text=True) == "9 512\n"
    assert most_connections(9) == 9


@pytest.mark.parametrize("path", ["/", "/v1/models/half", "/monitoring/prometheus/metrics"])
def test_every_path_asks_for_the_token(server, http, path):
    for headers in ({}, {"Authorization": "Bearer no"}):
        got = httpx.get(server.rest_url + path, headers=headers)
        assert (got.status_code, got.headers["www-authenticate"]) == (401, "Bearer")
        assert "Authorization: Bearer TOKEN" in got.json()["error"]
    assert http.get(path).status_code == 200


def test_a_page_of_another_origin_may_bring_the_token(server, http):
    path, origin = server.rest_url + "/v1/models/half", {"Origin": "http://example.org"}
    got = httpx.options(path, headers=origin)
    assert got.status_code == 200
    assert got.headers["access-control-allow-headers"] == "Content-Type, Authorization"
    assert httpx.request("OPTIONS", path, headers=origin, content=b"{}").status_code == 401
    assert httpx.options(f"{server.rest_url}/monitoring/prometheus/metrics").status_code == 401
    document = http.get("/openapi.json").json()
    assert document["security"] == [
        {name: [] for name in document["components"]["securitySchemes"]}
    ]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8501", 200),
        ("my.localhost", 200),
        ("127.1.2.3:80", 200),
        ("[::1]:8501", 200),
        ("", 200),
        ("evil.example", 403),
        ("evil.example:8501", 403),
        ("localhost.evil.example", 403),
        ("10.0.0.1", 403),
    ],
)
def test_on_loopback_a_request_names_loopback(http, host, status):
    got = http.get("/v1/models/half", headers={"Host": host})
    assert got.status_code == status


def test_the_page_runs_its_own_script_only(http):
    policy = http.get("/").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'sha256-" in policy
