"""The gRPC services, as far as the contract tests can't show them."""

import contextlib
import gc
import tracemalloc

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    inference_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.server.api.grpc_service import cut_message
from serving.server.model.runners import DirectRunner
from tests.support.running_server import running, two_models

LIMITLESS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    with running(two_models(folder)) as server:
        server.folder = folder
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.grpc_address, options=LIMITLESS) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(autouse=True)
def _still_answers(stub):
    yield
    assert list(stub.Predict(half([1.0, 2.0]), timeout=60).outputs["y"].float_val) == [3.5, 4.0]


def half(values: list[float]) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(model_spec={"name": "half"})
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(values, tf.float32))
    return request


@contextlib.contextmanager
def refused(code: str, message: str):
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert (caught.value.code().name, message in caught.value.details()) == (code, True), (
        caught.value.details()
    )


@pytest.mark.parametrize("letter", ["y", "科", "\ufffd", "%", "é", "\n"])
def test_a_long_message_of_any_letters_reaches_the_client(stub, letter):
    request = half([1.0])
    request.output_filter.append(letter * 100_000)
    with refused("INVALID_ARGUMENT", f"output tensor alias not found in signature: {letter}"):
        stub.Predict(request)


def test_a_request_without_tasks_has_no_model(stub):
    with refused("INVALID_ARGUMENT", "ModelSpec has no name specified."):
        stub.MultiInference(inference_pb2.MultiInferenceRequest())


def test_a_message_is_cut_only_where_it_is_too_long():
    assert cut_message("größe 100 %") == "größe 100 %"
    assert cut_message("y" * 6001) == "y" * 6000
    assert cut_message("é" * 1001) == "é" * 1000


def test_a_fault_of_the_server_is_an_internal_error_without_a_trace(stub, monkeypatch, caplog):
    async def break_down(*_, **__):
        raise RuntimeError("a fault")

    with monkeypatch.context() as broken:
        broken.setattr(DirectRunner, "run", break_down)
        with refused("INTERNAL", "RuntimeError: a fault"):
            stub.Predict(half([1.0]))
    (record,) = [r for r in caplog.records if r.name == "serving.server.api.grpc_service"]
    assert record.exc_info is not None


def test_a_refused_request_is_freed_before_garbage_is_collected(stub):
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(3):
            with refused("INVALID_ARGUMENT", "input size does not match signature: 0!=1"):
                stub.Predict(
                    predict_pb2.PredictRequest(
                        model_spec={"name": "half"}, output_filter=["y" * 10_000_000]
                    )
                )
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    # The last one may be held by the client.
    assert held < 15_000_000
