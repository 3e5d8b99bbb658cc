"""What a server's refusals mean: the model's fault, or the machine's; and odd answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
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

from components.infra_validator.answers import ask_over_grpc, ask_over_rest, load_and_ask
from components.infra_validator.requests import ProbeRequest
from components.infra_validator.server_process import TRANSIENT_CODES, UnservableModelError
from schema.errors import TaggerError
from tests.support.http_stand_in import HttpStandIn

PREDICT = ProbeRequest("serving_default", "serving_default", (b"a", b"b"))
CLASSIFY = ProbeRequest("classify", "classify", (b"", b""))


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers about two papers, or refuses."""

    refusal: grpc.StatusCode | None = None
    rows = ((("größe", 0.5), ("b", 0.25)), (("b", 0.75), ("c", 0.5)))

    def Predict(self, request, context):  # noqa: N802
        if self.refusal:
            context.abort(self.refusal, "the server's message")
        response = predict_pb2.PredictResponse()
        labels = [[label for label, _ in row] for row in self.rows]
        response.outputs["labels"].CopyFrom(tf.make_tensor_proto(labels))
        response.outputs["scores"].CopyFrom(tf.make_tensor_proto([[0.5, 0.25]] * 2, tf.float32))
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
def rest_server(code: int, content: str) -> Iterator[SimpleNamespace]:
    with HttpStandIn() as server:
        server.on("POST", ".*", (code, content))
        yield alive(rest_url=server.url)


def alive(**addresses: str) -> SimpleNamespace:
    return SimpleNamespace(
        kind="server of the test",
        raise_if_ended=lambda wait: None,
        log_tail=lambda: "the end of its log",
        **addresses,
    )


def test_answers_over_grpc():
    with grpc_server() as server:
        answers = ask_over_grpc([PREDICT, CLASSIFY], server, 10)
    labels = answers["serving_default"]["labels"]
    assert labels.dtype == object
    assert labels.tolist() == [["größe", "b"], ["b", "c"]]
    assert answers["serving_default"]["scores"].dtype == np.float32
    assert answers["classify"]["classes"].tolist() == [["größe", "b"], ["b", "c"]]
    assert answers["classify"]["scores"].tolist() == [[0.5, 0.25], [0.75, 0.5]]


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL"])
def test_a_refusal_over_grpc_is_the_models_fault(code):
    with (
        grpc_server(refusal=grpc.StatusCode[code]) as server,
        pytest.raises(UnservableModelError) as caught,
    ):
        ask_over_grpc([PREDICT, CLASSIFY], server, 10)
    assert str(caught.value) == f"serving_default: {code}: the server's message"


@pytest.mark.parametrize("code", sorted(TRANSIENT_CODES))
def test_no_answer_over_grpc_is_the_machines_fault(code):
    with grpc_server(refusal=grpc.StatusCode[code]) as server, pytest.raises(TaggerError) as caught:
        ask_over_grpc([PREDICT], server, 10)
    for part in ("server of the test", code, "infra.request_timeout_seconds", "end of its log"):
        assert part in str(caught.value)


def test_rows_of_different_length_are_the_models_fault():
    rows = ((("a", 0.5),), (("b", 0.75), ("c", 0.5)))
    with (
        grpc_server(rows=rows) as server,
        pytest.raises(UnservableModelError, match="unreadable answer"),
    ):
        ask_over_grpc([CLASSIFY], server, 10)


@pytest.mark.parametrize(
    ("question", "content", "expected"),
    [
        (
            PREDICT,
            {"predictions": [{"labels": ["größe"], "scores": [0.5], "suggested": [True]}] * 2},
            {"labels": [["größe"]] * 2, "scores": [[0.5]] * 2, "suggested": [[True]] * 2},
        ),
        (
            PREDICT,
            {"predictions": [[0.5, 1.0], [0.25, 0.0]]},
            {"probabilities": [[0.5, 1.0], [0.25, 0.0]]},
        ),
        (
            CLASSIFY,
            {"results": [[["größe", 0.5]], [["b", 0.75]]]},
            {"classes": [["größe"], ["b"]], "scores": [[0.5], [0.75]]},
        ),
    ],
)
def test_answers_over_rest_have_the_same_form(question, content, expected):
    with rest_server(200, json.dumps(content)) as server:
        answer = ask_over_rest([question], server, 10)[question.name]
    assert {name: value.tolist() for name, value in answer.items()} == expected
    kinds = {"labels": "O", "classes": "O", "suggested": "b"}
    assert all(value.dtype.kind == kinds.get(name, "f") for name, value in answer.items())


@pytest.mark.parametrize(
    ("code", "content", "message"),
    [
        (400, '{"error": "no such signature"}', "HTTP 400: .*no such signature"),
        (404, "", "HTTP 404"),
        (500, "{}", "HTTP 500"),
        (200, "no JSON", "unreadable"),
        (200, '{"outputs": []}', "unreadable answer .*predictions"),
        (200, '{"predictions": [[1.0], [1.0, 2.0]]}', "unreadable"),
        (200, '{"predictions": [{"a": 1.0}, {"b": 1.0}]}', "unreadable"),
        (200, '{"predictions": []}', "unreadable"),
        (200, '{"predictions": 3}', "unreadable"),
    ],
)
def test_a_refusal_or_unreadable_answer_over_rest_is_the_models_fault(code, content, message):
    with (
        rest_server(code, content) as server,
        pytest.raises(UnservableModelError, match=f"serving_default: .*{message}"),
    ):
        ask_over_rest([PREDICT], server, 10)


@pytest.mark.parametrize("code", [408, 429, 503, 504])
def test_no_answer_over_rest_is_the_machines_fault(code):
    with (
        rest_server(code, '{"error": "busy"}') as server,
        pytest.raises(TaggerError, match="busy"),
    ):
        ask_over_rest([PREDICT], server, 10)


def test_an_exported_model_that_lacks_a_signature_or_is_damaged_is_at_fault(tmp_path):
    with pytest.raises(UnservableModelError, match="can't load the model"):
        load_and_ask([PREDICT], tmp_path)
    tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
    with pytest.raises(
        UnservableModelError, match="serving_default: the model has no such signature"
    ):
        load_and_ask([PREDICT], tmp_path / "empty")
