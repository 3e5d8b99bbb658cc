"""The REST API of a real server, see TF Serving's guide and http_rest_api_handler_test.cc."""

import asyncio
import gzip
import json
import logging
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection

import grpc
import httpx
import numpy as np
import pytest

from serving.server.errors import ServingError
from tests.support.running_server import RunningServer, running, two_models
from tests.support.saved_models import TAGGER_LABELS

HALF = "/v1/models/half"
TAGGER = "/v1/models/tagger"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(two_models(tmp_path_factory.mktemp("models"))) as server:
        yield server


@pytest.fixture(scope="module")
def http(server: RunningServer):
    with httpx.Client(base_url=server.rest_url, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def _still_answers(http):
    yield
    response = http.post(f"{HALF}:predict", json={"instances": [1.0, 2.0]})
    assert response.json() == {"predictions": [3.5, 4.0]}


def error(response: httpx.Response, status: int) -> str:
    """The words of an error, which is nothing but an object with the key `error`."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"]
    return response.json()["error"]


def score(text: str) -> list[float]:
    """The toy tagger's score of each label."""
    letters = [sum(text.encode().count(c) for c in set(label)) for label in TAGGER_LABELS]
    return [1 / (1 + np.exp(1 - count / 10)) for count in letters]


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (f"{HALF}:predict", {"instances": [1.0, 2.0, 5.0]}, {"predictions": [3.5, 4.0, 5.5]}),
        (f"{HALF}/versions/1:predict", {"instances": [1.0, 2]}, {"predictions": [2.5, 3.0]}),
        (f"{HALF}/labels/stable:predict", {"inputs": [3.0]}, {"outputs": [3.5]}),
        (f"{HALF}:predict", {"inputs": {"x": [[1.0], [2.0]]}}, {"outputs": [[3.5], [4.0]]}),
        (
            "/V1/Models/half/Versions/7:predict",
            {"signature_name": "serving_default", "instances": [{"x": 3.0}]},
            {"predictions": [4.5]},
        ),
        (
            f"{HALF}/versions/1:regress",
            {"signature_name": "regress_x_to_y", "examples": [{"x": 80.0}, {"x": [2.0]}]},
            {"results": [42.0, 3.0]},
        ),
        (
            f"{HALF}/versions/1:regress",
            {"signature_name": "regress_x_to_y", "context": {"x": 6.0}, "examples": [{}, {}]},
            {"results": [5.0, 5.0]},
        ),
        (
            f"{HALF}/versions/1:classify",
            {"signature_name": "classify_x_to_y", "examples": [{"x": 20.0}]},
            {"results": [[["", 12.0]]]},
        ),
    ],
)
def test_the_inference_methods(http, path, body, answer):
    response = http.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json() == answer


def test_a_model_of_texts(http):
    text = "stat\nüber"
    body = {"instances": [{"text": text}, {"text": {"b64": "c3RhdArDvGJlcg=="}}]}
    first, second = http.post(f"{TAGGER}:predict", json=body).json()["predictions"]
    assert first == second
    best = np.argsort(-np.array(score(text)), kind="stable")[:3]
    assert first["labels"] == [TAGGER_LABELS[column].decode() for column in best]
    np.testing.assert_allclose(first["scores"], sorted(score(text))[::-1][:3], rtol=1e-6)
    assert first["suggested"] == [value >= 0.5 for value in first["scores"]]


def test_status(http):
    def version(number: int) -> dict[str, object]:
        status = {"error_code": "OK", "error_message": ""}
        return {"version": str(number), "state": "AVAILABLE", "status": status}

    both = http.get(HALF)
    assert both.headers["content-type"] == "application/json"
    assert both.json() == {"model_version_status": [version(7), version(1)]}
    assert http.get(f"{HALF}/versions/1").json() == {"model_version_status": [version(1)]}
    assert http.get(f"{HALF}/labels/stable").json() == {"model_version_status": [version(1)]}
    assert http.get(TAGGER).json() == {"model_version_status": [version(123)]}
    assert error(http.get("/v1/models/none"), 404) == "Could not find any versions of model none"
    assert error(http.get(f"{HALF}/versions/2"), 404) == "Could not find version 2 of model half"


def test_metadata(http):
    for path, version in ((HALF, "7"), (f"{HALF}/versions/1", "1"), (f"{HALF}/labels/stable", "1")):
        found = http.get(f"{path}/metadata").json()
        assert found["model_spec"] == {"name": "half", "signature_name": "", "version": version}
        signatures = found["metadata"]["signature_def"]["signature_def"]
        assert signatures["regress_x_to_y2"]["method_name"] == "tensorflow/serving/regress"
        assert signatures["regress_x_to_y2"]["inputs"]["inputs"] == {
            "dtype": "DT_STRING",
            "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
            "name": "tf_example:0",
        }
    assert "none" in error(http.get("/v1/models/none/metadata"), 404)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v1/foo"),
        ("POST", "/v1/foo"),
        ("POST", "/v1/models"),
        ("POST", HALF),
        ("GET", f"{HALF}:predict"),
        ("POST", f"{HALF}/version/1:regress"),
        ("POST", f"{HALF}/versions/HELLO:regress"),
        ("POST", f"{HALF}/versions/1/labels/stable:predict"),
        ("POST", f"{HALF}:PREDICT"),
        ("POST", f"{HALF}:predict?verbose=1"),
        ("PUT", f"{HALF}:predict"),
        ("DELETE", HALF),
        ("GET", f"{HALF}/"),
    ],
)
def test_malformed_requests(http, verb, path):
    words = error(http.request(verb, path, content=b"{}"), 400)
    assert words == f"Malformed request: {verb} {path}"


def test_other_paths(http):
    assert error(http.get("/v1/models"), 400) == "Missing model name in request."
    assert "/nothing" in error(http.get("/nothing"), 404)
    assert http.head(HALF).status_code == 400
    for number in (2**63, 2**64, "9" * 5000):
        assert error(http.post(f"{HALF}/versions/{number}:regress"), 400) == (
            f"Failed to convert version: {number} to numeric."
        )
    assert http.get(f"{HALF}/versions/{'0' * 5000}1").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (f"{HALF}:predict", b"", 400, "JSON Parse error: The document is empty"),
        (
            f"{HALF}:predict",
            b"instances = [1]",
            400,
            "JSON Parse error: Invalid value. at offset: 0",
        ),
        (f"{HALF}:predict", b'{"instances": ["1"]}', 400, "is not of expected type: float"),
        (f"{HALF}:predict", b'{"instances": []}', 400, "No values in 'instances' array"),
        (
            f"{HALF}:predict",
            b'{"inputs": {"z": [1]}}',
            400,
            "Missing named input: x in 'inputs' object.",
        ),
        (f"{HALF}:predict", b'{"instances": [{"z": 1}]}', 400, "does not have named input: z"),
        (
            f"{HALF}:predict",
            b'{"signature_name": "nope", "instances": [1]}',
            400,
            'Serving signature name: "nope" not found in signature def',
        ),
        (
            "/v1/models/nope:predict",
            b'{"instances": [1]}',
            404,
            "Servable not found for request: Latest(nope)",
        ),
        (
            "/v1/models/n%C3%B6:predict",
            b'{"instances": [1]}',
            404,
            "Servable not found for request: Latest(nö)",
        ),
        (
            f"{HALF}/versions/9:predict",
            b'{"instances": [1]}',
            404,
            "Servable not found for request: Specific(half, 9)",
        ),
        (
            f"{HALF}/labels/nope:predict",
            b'{"instances": [1]}',
            400,
            "Unrecognized servable version label: nope",
        ),
        (f"{TAGGER}:predict", b'{"instances": [{"b64": "?"}]}', 400, "Unable to base64 decode"),
        (
            f"{HALF}:classify",
            b'{"signature_name": "regress_x_to_y", "examples": [{"x": 1.0}]}',
            400,
            "Expected classification signature method_name to be tensorflow/serving/classify",
        ),
        (f"{HALF}:classify", b'{"examples": [{"\xff": 1.0}]}', 400, "not UTF-8"),
        (f"{HALF}:regress", b'{"signature_name": "\xff", "examples": [{}]}', 400, "not UTF-8"),
        (f"{HALF}:regress", b'{"signature_name": "regress_x_to_y", "examples": [{}]}', 400, "x"),
    ],
)
def test_bad_requests(http, path, body, status, words):
    assert words in error(http.post(path, content=body), status)


def test_an_empty_batch_and_an_empty_text(http):
    empty = http.post(f"{TAGGER}:predict", json={"inputs": []})
    assert empty.json() == {"outputs": {"labels": [], "scores": [], "suggested": []}}
    one = http.post(f"{TAGGER}:predict", json={"inputs": [""]}).json()["outputs"]
    np.testing.assert_allclose(one["scores"][0], [1 / (1 + np.e)] * 3, rtol=1e-6)


def test_large_requests(http):
    body = {"signature_name": "probabilities", "instances": ["c" * 10_000_000]}
    (found,) = http.post(f"{TAGGER}:predict", json=body).json()["predictions"]
    np.testing.assert_allclose(found, score("c" * 1000), rtol=1e-6)
    texts = [f"math {number}" for number in range(10_000)]
    body = {"signature_name": "probabilities", "inputs": {"text": texts}}
    many = http.post(f"{TAGGER}:predict", json=body).json()["outputs"]
    np.testing.assert_allclose(many, [score(text) for text in texts], rtol=1e-6)


def test_many_examples(http):
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": x / 2} for x in range(10_000)]}
    found = http.post(f"{HALF}/versions/1:regress", json=body).json()
    assert found == {"results": [x / 4 + 2 for x in range(10_000)]}


def test_a_packed_body(http):
    headers = {"content-encoding": "gzip"}
    packed = gzip.compress(b'{"instances": [4]}')
    response = http.post(f"{HALF}:predict", content=packed, headers=headers)
    assert response.json() == {"predictions": [5.0]}
    for body in (b'{"instances": [4]}', packed[:-9], gzip.compress(bytes(101 * 2**20))):
        response = http.post(f"{HALF}:predict", content=body, headers=headers)
        assert "Failed to uncompress the gzipped body" in error(response, 400)


def until(server: RunningServer, condition: Callable[[], bool]) -> None:
    """Returns when a condition holds on the server's event loop."""

    async def poll() -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    server.do(poll())


def test_a_client_that_hangs_up_leaves_nothing_behind(server, caplog):
    state = server.server._rest.server_state
    for body in (b"", b'{"instances": ['):
        with socket.create_connection(("127.0.0.1", server.server.rest_port)) as client:
            client.sendall(b"POST %s:predict HTTP/1.1\r\nHost: x\r\n" % HALF.encode())
            client.sendall(b"Content-Length: 1000000\r\n\r\n" + body)
            until(server, lambda: len(state.tasks) == 1)
            before = len(state.connections)
        until(server, lambda: not state.tasks)
        assert len(state.connections) == before - 1
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_200_connections_at_once(server):
    state = server.server._rest.server_state
    clients = [HTTPConnection("127.0.0.1", server.server.rest_port, timeout=60) for _ in range(200)]
    with ExitStack() as stack:
        bodies = [f'{{"instances": [{number}]}}'.encode() for number in range(200)]
        for client, body in zip(clients, bodies, strict=True):
            stack.callback(client.close)
            client.putrequest("POST", f"{HALF}:predict")
            client.putheader("Content-Length", str(len(body)))
            client.endheaders(body[:10])
        until(server, lambda: len(state.tasks) == 200)
        for client, body in zip(clients, bodies, strict=True):
            client.send(body[10:])
        answers = [json.load(client.getresponse())["predictions"] for client in clients]
    assert answers == [[number / 2 + 3] for number in range(200)]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        # ToHTTPStatusCode in TF Serving's http_server.cc.
        (grpc.StatusCode.CANCELLED, 499),
        (grpc.StatusCode.UNKNOWN, 500),
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
        (grpc.StatusCode.NOT_FOUND, 404),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
        (grpc.StatusCode.FAILED_PRECONDITION, 400),
        (grpc.StatusCode.UNIMPLEMENTED, 501),
        (grpc.StatusCode.INTERNAL, 500),
        (grpc.StatusCode.UNAVAILABLE, 503),
    ],
)
def test_the_status_of_each_code(http, monkeypatch, code, status):
    async def refuse(*_, **__):
        raise ServingError(code, "words")

    with monkeypatch.context() as patched:
        patched.setattr("serving.server.api.rest.run_signature", refuse)
        assert error(http.post(f"{HALF}:predict", json={"instances": [1.0]}), status) == "words"


def test_a_fault_of_the_server_is_an_internal_error_without_a_trace(http, monkeypatch, caplog):
    def break_down(*_, **__):
        raise RuntimeError("a fault")

    with monkeypatch.context() as broken:
        broken.setattr("serving.server.api.rest_answers.predict_json", break_down)
        response = http.post(f"{HALF}:predict", json={"instances": [1.0]})
    assert error(response, 500) == "RuntimeError: a fault"
    (record,) = [record for record in caplog.records if record.name == "serving.server.api.rest"]
    assert record.exc_info is not None


def test_the_page_knows_a_model(http):
    page = http.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<script type="application/json" id="model">"half"</script>' in page.text


def test_metrics_count_requests_of_both_kinds(http):
    path = "/monitoring/prometheus/metrics"

    def count(line: str) -> float:
        values = [text.split()[-1] for text in http.get(path).text.splitlines() if line in text]
        return float(values[0]) if values else 0.0

    good = 'request_count{model_name="tagger",status="OK"}'
    bad = 'request_count{model_name="tagger",status="INVALID_ARGUMENT"}'
    timed = 'request_latency_count{model_name="tagger",API="predict",entrypoint="REST"}'
    before = [count(line) for line in (good, bad, timed)]
    assert http.post(f"{TAGGER}:predict", json={"instances": ["a"]}).status_code == 200
    assert http.post(f"{TAGGER}:predict", json={"instances": [1]}).status_code == 400
    assert http.get(TAGGER).status_code == 200
    assert [count(line) for line in (good, bad, timed)] == [number + 1 for number in before]
    assert http.get(path).headers["content-type"].startswith("text/plain")


def test_answers_are_json_whatever_the_texts(http):
    """Undecodable bytes come back as they were sent: TF Serving does not look at the encoding."""
    response = http.post(f"{TAGGER}:predict", content=b'{"instances": ["\xff\xfe"]}')
    assert response.status_code == 200
    words = http.post(f"{HALF}:predict", content=b'{"instances": ["\xff"]}')
    assert b'\\"\xff\\"' in words.content
    assert json.loads(words.content.decode("utf-8", "replace"))["error"]
