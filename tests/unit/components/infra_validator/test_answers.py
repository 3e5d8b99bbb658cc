"""What a server's refusals mean: the model's fault, or the machine's; and odd answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from components.infra_validator.answers import ask_exported, ask_over_grpc, ask_over_rest
from components.infra_validator.faults import ModelFault
from components.infra_validator.requests import Question
from schema.errors import TaggerError

PREDICT = Question(
    name="serving_default",
    signature="serving_default",
    input_name="text",
    inputs=(b"a", b"b"),
    requests=(predict_pb2.PredictRequest(), predict_pb2.PredictRequest()),
    rest_verb="predict",
    rest_body={"instances": ["a", "b"]},
)
CLASSIFY = Question(
    name="classify",
    signature="classify",
    input_name="inputs",
    inputs=(b"", b""),
    requests=(classification_pb2.ClassificationRequest(),),
    rest_verb="classify",
    rest_body={"examples": [{}, {}]},
)


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers with one row for each request, or refuses."""

    refusal: grpc.StatusCode | None = None
    rows = ((("größe", 0.5), ("b", 0.25)), (("b", 0.75), ("c", 0.5)))

    def Predict(self, request, context):  # noqa: N802
        if self.refusal:
            context.abort(self.refusal, "in the server's words")
        response = predict_pb2.PredictResponse()
        response.outputs["labels"].CopyFrom(tf.make_tensor_proto([["größe", "b"]]))
        response.outputs["scores"].CopyFrom(tf.make_tensor_proto([[0.5, 0.25]], tf.float32))
        return response

    def Classify(self, request, context):  # noqa: N802
        response = classification_pb2.ClassificationResponse()
        for row in self.rows:
            classes = response.result.classifications.add().classes
            for label, score in row:
                classes.add(label=label, score=score)
        return response


@contextmanager
def grpc_server(**attributes: object) -> Iterator[SimpleNamespace]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    service = type("Service", (Service,), attributes)()
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield alive(grpc_address=f"127.0.0.1:{port}")
    finally:
        server.stop(None).wait()


@contextmanager
def rest_server(code: int, content: bytes) -> Iterator[SimpleNamespace]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keeps the terminal clean."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield alive(rest_url=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def alive(**addresses: str) -> SimpleNamespace:
    return SimpleNamespace(
        kind="server of the test",
        raise_if_ended=lambda wait: None,
        last_words=lambda: "its last words",
        **addresses,
    )


def test_rows_of_several_grpc_answers_become_one():
    with grpc_server() as server:
        answers = ask_over_grpc([PREDICT, CLASSIFY], server, 10)
    labels = answers["serving_default"]["labels"]
    assert labels.dtype == object
    assert labels.tolist() == [["größe", "b"], ["größe", "b"]]
    assert answers["serving_default"]["scores"].dtype == np.float32
    assert answers["classify"]["classes"].tolist() == [["größe", "b"], ["b", "c"]]
    assert answers["classify"]["scores"].tolist() == [[0.5, 0.25], [0.75, 0.5]]


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL", "UNIMPLEMENTED"])
def test_a_refusal_over_grpc_is_the_models_fault(code):
    with grpc_server(refusal=grpc.StatusCode[code]) as server, pytest.raises(ModelFault) as caught:
        ask_over_grpc([PREDICT, CLASSIFY], server, 10)
    assert str(caught.value) == f"serving_default: {code}: in the server's words"


@pytest.mark.parametrize(
    "code", ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED"]
)
def test_no_answer_over_grpc_is_the_machines_fault(code):
    with grpc_server(refusal=grpc.StatusCode[code]) as server, pytest.raises(TaggerError) as caught:
        ask_over_grpc([PREDICT], server, 10)
    for told in ("server of the test", code, "infra.request_timeout_seconds", "its last words"):
        assert told in str(caught.value)


def test_rows_of_different_length_are_the_models_fault():
    rows = ((("a", 0.5),), (("b", 0.75), ("c", 0.5)))
    with grpc_server(rows=rows) as server, pytest.raises(ModelFault, match="go together"):
        ask_over_grpc([CLASSIFY], server, 10)


def test_answers_over_rest_have_the_same_form():
    predictions = [
        {"labels": ["größe", "b"], "scores": [0.5, 0.25], "suggested": [True, False]}
    ] * 2
    with rest_server(200, json.dumps({"predictions": predictions}).encode()) as server:
        answer = ask_over_rest([PREDICT], server, 10)["serving_default"]
    assert {name: value.dtype.kind for name, value in answer.items()} == {
        "labels": "O",
        "scores": "f",
        "suggested": "b",
    }
    assert answer["labels"].tolist() == [["größe", "b"], ["größe", "b"]]

    with rest_server(200, b'{"predictions": [[0.5, 1.0], [0.25, 0.0]]}') as server:
        answer = ask_over_rest([PREDICT], server, 10)["serving_default"]
    assert {name: value.tolist() for name, value in answer.items()} == {
        "probabilities": [[0.5, 1.0], [0.25, 0.0]]
    }

    results = b'{"results": [[["gr\\u00f6\\u00dfe", 0.5]], [["b", 0.75]]]}'
    with rest_server(200, results) as server:
        answer = ask_over_rest([CLASSIFY], server, 10)["classify"]
    assert answer["classes"].tolist() == [["größe"], ["b"]]
    assert answer["scores"].tolist() == [[0.5], [0.75]]


@pytest.mark.parametrize(
    ("code", "content", "told"),
    [
        (400, b'{"error": "no such signature"}', "HTTP 400: .*no such signature"),
        (404, b"", "HTTP 404"),
        (500, b"{}", "HTTP 500"),
        (200, b"no JSON", "can't be read"),
        (200, b'{"outputs": []}', "can't be read .*predictions"),
        (200, b'{"predictions": [[1.0], [1.0, 2.0]]}', "can't be read"),
        (200, b'{"predictions": [{"a": 1.0}, {"b": 1.0}]}', "can't be read"),
        (200, b'{"predictions": []}', "can't be read"),
        (200, b'{"predictions": 3}', "can't be read"),
    ],
)
def test_a_refusal_or_an_odd_answer_over_rest_is_the_models_fault(code, content, told):
    with (
        rest_server(code, content) as server,
        pytest.raises(ModelFault, match=f"serving_default: .*{told}"),
    ):
        ask_over_rest([PREDICT], server, 10)


@pytest.mark.parametrize("code", [408, 429, 503, 504])
def test_no_answer_over_rest_is_the_machines_fault(code):
    with (
        rest_server(code, b'{"error": "busy"}') as server,
        pytest.raises(TaggerError, match="busy"),
    ):
        ask_over_rest([PREDICT], server, 10)


def test_a_server_that_is_gone_is_asked_why(monkeypatch):
    """Its process knows whether the model broke it."""
    with rest_server(200, b"") as server:
        pass

    def crashed(wait: float) -> None:
        raise ModelFault("crashed")

    server.raise_if_ended = crashed
    with pytest.raises(ModelFault, match="crashed"):
        ask_over_rest([PREDICT], server, 10)
    server.grpc_address = server.rest_url.removeprefix("http://")
    with pytest.raises(ModelFault, match="crashed"):
        ask_over_grpc([PREDICT], server, 10)


def test_an_exported_model_without_the_signature_is_at_fault():
    model = SimpleNamespace(signatures={})
    with pytest.raises(ModelFault, match="serving_default"):
        ask_exported([PREDICT], model)
