"""The client, over REST without a network and over gRPC with a real little server."""

from __future__ import annotations

import itertools
import json
import random
import socket
import struct
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import pytest

from schema.errors import BadInputError, TaggerError, UsageError
from serving.client import Retry, Suggestion, TaggerClient, messages
from serving.client.grpc_transport import make_request
from serving.client.rest import RestTransport
from serving.client.transport import Target
from tests.support.little_server import Asked, LittleServer, expected

ADDRESS = "127.0.0.1:8501"
TEXTS = ["a", "größe\nand an abstract", ""]
PROTOCOLS = ["rest", "grpc"]


@pytest.fixture(scope="module")
def shared_server():
    with LittleServer() as server:
        yield server


@pytest.fixture
def server(shared_server):
    shared_server.asked.clear()
    shared_server.busy = 0
    return shared_server


class Slept:
    """A sleep that returns at once and remembers."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def closed_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rest_client(answer: Callable[[httpx.Request], httpx.Response], **options) -> TaggerClient:
    """A client whose requests go to a function."""
    transport = RestTransport(ADDRESS, httpx.MockTransport(answer))
    return TaggerClient(ADDRESS, transport=transport, **{"sleep": Slept(), **options})


def answering(*responses: httpx.Response | Exception) -> tuple[list[httpx.Request], Callable]:
    """A function that gives one response after another, and the requests it got."""
    asked: list[httpx.Request] = []
    following = iter(responses)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        response = next(following)
        if isinstance(response, Exception):
            raise response
        return response

    return asked, answer


def good(texts: Iterable[str] = ("a",)) -> httpx.Response:
    rows = [expected(text) for text in texts]
    columns = ("label", "labels"), ("score", "scores"), ("suggested", "suggested")
    outputs = {
        many: [[getattr(each, one) for each in row] for row in rows] for one, many in columns
    }
    return httpx.Response(200, json={"outputs": outputs})


def error(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": message})


def refused() -> httpx.ConnectError:
    """As httpx raises it: the cause is the error of the system."""
    wrapped = httpx.ConnectError("[Errno 111] Connection refused")
    wrapped.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return wrapped


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_text_gets_its_own_labels(server, protocol):
    with TaggerClient(server.address(protocol), protocol=protocol) as client:
        assert client.suggest(TEXTS) == [expected(text) for text in TEXTS]
        assert client.suggest(["größe"])[0][0] == Suggestion("größe", 71 / 128, True)
        assert client.suggest([]) == []
    assert server.asked == [
        Asked(protocol, "arxiv_tagger", None, None, TEXTS),
        Asked(protocol, "arxiv_tagger", None, None, ["größe"]),
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_paper_is_its_title_on_a_line_before_its_abstract(server, protocol):
    with TaggerClient(server.address(protocol), protocol=protocol) as client:
        assert client.suggest_paper("T", "An abstract") == expected("T\nAn abstract")
        client.suggest_paper("", "An abstract")
    assert [asked.texts for asked in server.asked] == [["T\nAn abstract"], ["An abstract"]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("choice", "version", "label"),
    [({"version": 12}, 12, None), ({"label": "stable"}, None, "stable"), ({}, None, None)],
)
def test_the_version_or_label_reaches_the_server(server, protocol, choice, version, label):
    with TaggerClient(server.address(protocol), protocol=protocol, **choice) as client:
        client.suggest(["x"])
    assert server.asked == [Asked(protocol, "arxiv_tagger", version, label, ["x"])]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "/v1/models/arxiv_tagger:predict"),
        ({"version": 3}, "/v1/models/arxiv_tagger/versions/3:predict"),
        ({"label": "a b/c"}, "/v1/models/arxiv_tagger/labels/a%20b%2Fc:predict"),
        ({"model": "ä/?"}, "/v1/models/%C3%A4%2F%3F:predict"),
    ],
)
def test_rest_asks_in_column_format_at_the_address_of_the_guide(options, path):
    asked, answer = answering(good())
    with rest_client(answer, **options) as client:
        client.suggest(["a"])
    (request,) = asked
    assert request.method == "POST"
    assert request.url.raw_path.decode() == path
    assert request.url.netloc == ADDRESS.encode()
    assert json.loads(request.content) == {
        "signature_name": "serving_default",
        "inputs": {"text": ["a"]},
    }


def test_a_grpc_request_names_the_signature_and_the_version():
    request = make_request(Target("m", version=0), ["x", "ü"])
    assert request.model_spec.signature_name == "serving_default"
    # Version 0 is a version, and not the same as none.
    assert request.model_spec.WhichOneof("version_choice") == "version"
    assert make_request(Target("m"), ["x"]).model_spec.WhichOneof("version_choice") is None
    tensor = request.inputs["text"]
    assert [dim.size for dim in tensor.tensor_shape.dim] == [2]
    assert list(tensor.string_val) == [b"x", "ü".encode()]


def test_waits_double_up_to_a_limit_and_are_spread():
    retry = Retry(times=6, first_delay=0.1, max_delay=1.0)
    assert list(retry.waits(lambda: 1.0)) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    assert list(retry.waits(lambda: 0.0)) == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.5, 0.5])
    assert list(Retry(times=0).waits(lambda: 1.0)) == []
    drawn = list(retry.waits(random.Random(3).random))
    assert drawn == list(retry.waits(random.Random(3).random))
    assert drawn != list(retry.waits(random.Random(4).random))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("busy", [0, 1, 3])
def test_a_busy_server_is_asked_again_after_each_wait(server, protocol, busy):
    server.busy = busy
    slept = Slept()
    options = {"retry": Retry(times=3, first_delay=0.4), "sleep": slept, "draw": lambda: 1.0}
    with TaggerClient(server.address(protocol), protocol=protocol, **options) as client:
        assert client.suggest(TEXTS) == [expected(text) for text in TEXTS]
    assert len(server.asked) == busy + 1
    assert slept.waits == pytest.approx([0.4, 0.8, 1.6][:busy])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_stays_busy_is_given_up_in_its_own_words(server, protocol):
    server.busy = 99
    slept = Slept()
    options = {"retry": Retry(times=3), "sleep": slept}
    with (
        TaggerClient(server.address(protocol), protocol=protocol, **options) as client,
        pytest.raises(TaggerError, match="The batch scheduling queue is full") as raised,
    ):
        client.suggest(["x"])
    assert server.address(protocol) in str(raised.value)
    assert raised.value.exit_code == 1
    assert len(server.asked) == 4
    assert len(slept.waits) == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_where_nobody_listens_the_message_says_what_to_start(protocol):
    address = f"127.0.0.1:{closed_port()}"
    slept = Slept()
    options = {"retry": Retry(times=2), "sleep": slept}
    with (
        TaggerClient(address, protocol=protocol, **options) as client,
        pytest.raises(TaggerError, match="arxiv-tagger serve") as raised,
    ):
        client.suggest(["x"])
    assert address in str(raised.value)
    assert "Connection refused" in str(raised.value)
    assert len(slept.waits) == 2


def test_a_refused_connection_and_a_full_server_are_tried_again_by_rest():
    asked, answer = answering(refused(), error(503, "full"), refused(), good())
    slept = Slept()
    with rest_client(answer, sleep=slept) as client:
        assert client.suggest(["a"]) == [expected("a")]
    assert len(asked) == 4
    assert len(slept.waits) == 3


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ReadError("Connection reset by peer"),
        httpx.WriteError("Broken pipe"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ],
    ids=str,
)
def test_a_server_that_goes_away_meanwhile_is_asked_again_by_rest(lost):
    asked, answer = answering(lost, good())
    with rest_client(answer) as client:
        assert client.suggest(["a"]) == [expected("a")]
    assert len(asked) == 2


def test_a_balancer_without_a_server_behind_it_is_tried_again():
    asked, answer = answering(httpx.Response(503, text="<html>no backend</html>"), good())
    with rest_client(answer) as client:
        assert client.suggest(["a"]) == [expected("a")]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("response", "kind", "said"),
    [
        (error(404, "Servable not found for request: Latest(m)"), UsageError, "has no m:"),
        (error(400, "JSON Value: {} Is not an object"), UsageError, "'serving_default'"),
        (error(500, "broken op"), TaggerError, "broken op"),
        (error(429, "quota"), TaggerError, "quota"),
        (error(504, "late"), TaggerError, "no answer in 7 s"),
        (httpx.ReadTimeout("timed out"), TaggerError, "no answer in 7 s"),
        (httpx.ConnectTimeout("timed out"), TaggerError, "no answer in 7 s"),
        (httpx.ConnectError("Name or service not known"), TaggerError, "Name or service"),
        (httpx.RemoteProtocolError("illegal request line"), TaggerError, "8501 by default"),
        (httpx.Response(404, text="<h1>nginx</h1>"), TaggerError, "nginx"),
        (httpx.Response(502, text="bad gateway"), TaggerError, "HTTP 502"),
        (httpx.Response(200, text="hello"), TaggerError, "no server of a model"),
        (httpx.Response(200, json=["a"]), TaggerError, "no server of a model"),
        (httpx.Response(200, json={"outputs": [[1.0]]}), TaggerError, "no named outputs"),
    ],
    ids=str,
)
def test_nothing_else_is_tried_again_by_rest(response, kind, said):
    asked, answer = answering(response)
    with (
        rest_client(answer, model="m", timeout=7) as client,
        pytest.raises(TaggerError) as raised,
    ):
        client.suggest(["a"])
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert ADDRESS in str(raised.value)
    assert len(asked) == 1


def test_an_unknown_label_is_told_as_that():
    _, answer = answering(error(400, "Unrecognized servable version label: beta"))
    with (
        rest_client(answer, label="beta") as client,
        pytest.raises(UsageError, match="has no arxiv_tagger label beta: Unrecognized"),
    ):
        client.suggest(["a"])


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"labels": [["a"]], "scores": [[1.0]]},
        {"labels": [["a"]], "scores": [[1.0]], "suggested": True},
        {"labels": [["a"]], "scores": [1.0], "suggested": [[True]]},
        {"labels": [["a"]], "scores": [[1.0, 0.5]], "suggested": [[True]]},
        {"labels": [], "scores": [], "suggested": []},
        {"labels": [["a"]] * 2, "scores": [[1.0]] * 2, "suggested": [[True]] * 2},
        {"labels": [[1]], "scores": [[1.0]], "suggested": [[True]]},
        {"labels": [["a"]], "scores": [["1.0"]], "suggested": [[True]]},
        {"labels": [["a"]], "scores": [[True]], "suggested": [[True]]},
        {"labels": [["a"]], "scores": [[1.0]], "suggested": [[1]]},
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_refused(outputs):
    asked, answer = answering(httpx.Response(200, json={"outputs": outputs}))
    with rest_client(answer) as client, pytest.raises(TaggerError, match="--model") as raised:
        client.suggest(["a"])
    assert type(raised.value) is TaggerError
    assert len(asked) == 1


@pytest.fixture
def grpc_answers():
    """Starts servers that answer every Predict with what a function makes, and counts."""
    servers, asked = [], []

    def start(answer: Callable[[grpc.ServicerContext], bytes], port: int = 0) -> str:
        def predict(request, context):
            asked.append(request)
            return answer(context)

        handler = grpc.unary_unary_rpc_method_handler(predict)
        service, method = messages.PREDICT_METHOD[1:].split("/")
        server = grpc.server(ThreadPoolExecutor(1))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield start, asked
    for server in servers:
        server.stop(None).wait()


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (grpc.StatusCode.NOT_FOUND, UsageError, "has no arxiv_tagger: what it said"),
        (grpc.StatusCode.INVALID_ARGUMENT, UsageError, "'serving_default'"),
        (grpc.StatusCode.FAILED_PRECONDITION, UsageError, "'serving_default'"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, TaggerError, "no answer in 30 s"),
        (grpc.StatusCode.INTERNAL, TaggerError, "failed: what it said"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, TaggerError, "failed: what it said"),
        (grpc.StatusCode.UNIMPLEMENTED, TaggerError, "no server of a model"),
    ],
)
def test_nothing_else_is_tried_again_by_grpc(grpc_answers, code, kind, said):
    start, asked = grpc_answers
    address = start(lambda context: context.abort(code, "what it said."))
    with (
        TaggerClient(address, protocol="grpc", sleep=Slept()) as client,
        pytest.raises(TaggerError) as raised,
    ):
        client.suggest(["a"])
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert len(asked) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_silent_server_is_given_up_after_the_timeout(protocol):
    """A socket that takes the connection and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with (
            TaggerClient(address, protocol=protocol, timeout=0.2) as client,
            pytest.raises(TaggerError, match=r"no answer in 0.2 s.*--timeout"),
        ):
            client.suggest(["a"])


def tensor(kind: int, shape: tuple[int, ...], **values: object) -> object:
    dims = [{"size": size} for size in shape]
    return messages.TensorProto(dtype=kind, tensor_shape={"dim": dims}, **values)


GOOD_TENSORS = {
    "labels": tensor(7, (1, 2), string_val=[b"x", b"y"]),
    "scores": tensor(1, (1, 2), float_val=[0.5, 0.25]),
    "suggested": tensor(10, (1, 2), bool_val=[True, False]),
}


@pytest.mark.parametrize(
    "tensors",
    [
        {name: made for name, made in GOOD_TENSORS.items() if name != "scores"},
        {**GOOD_TENSORS, "scores": tensor(1, (2,), float_val=[0.5, 0.25])},
        {**GOOD_TENSORS, "scores": tensor(1, (1, 2))},
        {**GOOD_TENSORS, "scores": tensor(1, (1, 2), float_val=[0.5, 0.2, 0.1])},
        {**GOOD_TENSORS, "scores": tensor(1, (1, 2), tensor_content=b"12345")},
        {**GOOD_TENSORS, "scores": tensor(1, (-1, -2), float_val=[0.5, 0.25])},
        {**GOOD_TENSORS, "scores": tensor(2, (1, 2), double_val=[0.5, 0.25])},
        {**GOOD_TENSORS, "labels": tensor(7, (1, 2), string_val=[b"x", b"\xff"])},
        {**GOOD_TENSORS, "labels": tensor(1, (1, 2), float_val=[0.5, 0.25])},
        {**GOOD_TENSORS, "suggested": tensor(10, (2, 1), bool_val=[True, False])},
    ],
)
def test_an_answer_of_other_tensors_is_refused(grpc_answers, tensors):
    start, asked = grpc_answers
    response = messages.PredictResponse(outputs=tensors)
    address = start(lambda _: response.SerializeToString())
    with (
        TaggerClient(address, protocol="grpc") as client,
        pytest.raises(TaggerError, match="--model"),
    ):
        client.suggest(["a"])
    assert len(asked) == 1


@pytest.mark.parametrize(
    "tensors",
    [
        GOOD_TENSORS,
        {
            "labels": GOOD_TENSORS["labels"],
            "scores": tensor(1, (1, 2), tensor_content=struct.pack("<2f", 0.5, 0.25)),
            "suggested": tensor(10, (1, 2), tensor_content=b"\x01\x00"),
        },
    ],
    ids=["values", "content"],
)
def test_tensors_are_read_in_both_of_their_forms(grpc_answers, tensors):
    start, _ = grpc_answers
    response = messages.PredictResponse(outputs=tensors)
    address = start(lambda _: response.SerializeToString())
    with TaggerClient(address, protocol="grpc") as client:
        assert client.suggest(["a"]) == [[Suggestion("x", 0.5, True), Suggestion("y", 0.25, False)]]


def test_a_value_that_repeats_to_the_end_may_be_left_out():
    assert messages.read_rows(tensor(1, (2, 2), float_val=[1.0, 0.5])) == [[1.0, 0.5], [0.5, 0.5]]
    assert messages.read_rows(tensor(1, (0, 3))) == []
    assert messages.read_rows(tensor(7, (2, 0))) == [[], []]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_text_that_is_no_text_is_told_before_it_is_sent(server, protocol):
    with (
        TaggerClient(server.address(protocol), protocol=protocol) as client,
        pytest.raises(BadInputError, match="Text 2 is not valid UTF-8"),
    ):
        client.suggest(["fine", "\ud800"])
    assert server.asked == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_text_of_megabytes_and_thousands_of_texts_go_through(server, protocol):
    with TaggerClient(server.address(protocol), protocol=protocol) as client:
        assert client.suggest(["x" * 10**6 * 5]) == [expected("x" * 10**6 * 5)]
        texts = [str(number) for number in range(5_000)]
        assert client.suggest(texts) == [expected(text) for text in texts]


def test_an_answer_over_the_limit_of_grpc_itself_is_read(grpc_answers):
    start, _ = grpc_answers
    label = "x" * 5 * 2**20
    labels = {**GOOD_TENSORS, "labels": tensor(7, (1, 2), string_val=[label.encode()])}
    response = messages.PredictResponse(outputs=labels).SerializeToString()
    with TaggerClient(start(lambda _: response), protocol="grpc") as client:
        assert [each.label for each in client.suggest(["a"])[0]] == [label, label]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_threads_may_share_a_client(server, protocol):
    texts = [f"text {'x' * number}" for number in range(40)]
    with (
        TaggerClient(server.address(protocol), protocol=protocol) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(lambda text: client.suggest([text])[0], texts))
    assert answers == [expected(text) for text in texts]


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
def test_what_makes_no_sense_is_refused_at_once(options, said):
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
def test_an_address_has_a_default_and_may_be_a_name_or_ipv6(protocol, address, expected_address):
    with TaggerClient(address, protocol=protocol) as client:
        assert client.address == expected_address


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_proxy_of_the_environment_is_not_asked(server, protocol, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with TaggerClient(server.address(protocol), protocol=protocol) as client:
        assert client.suggest(["a"]) == [expected("a")]


def test_a_server_that_comes_while_it_is_asked_is_found(grpc_answers):
    """The channel looks again as often as the client tries, not when it would by itself (1 s)."""
    start, asked = grpc_answers
    port = closed_port()
    response = messages.PredictResponse(outputs=GOOD_TENSORS).SerializeToString()
    tries = itertools.count(1)

    def start_at_the_second_wait(_: float) -> None:
        if next(tries) == 2:
            start(lambda _: response, port=port)
        time.sleep(0.12)

    options = {"retry": Retry(times=5), "sleep": start_at_the_second_wait}
    with TaggerClient(f"127.0.0.1:{port}", protocol="grpc", **options) as client:
        assert len(client.suggest(["a"])[0]) == 2
    assert len(asked) == 1
