"""The gRPC services of a real server, asked by the official stubs."""

import contextlib

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.api.grpc_service import cut_message
from tests.support.running_server import running, two_models
from tests.support.saved_models import half_plus_two, tf_example

LIMITLESS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
REGRESS = "tensorflow/serving/regress"
CLASSIFY = "tensorflow/serving/classify"


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


@pytest.fixture(scope="module")
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


@pytest.fixture(autouse=True)
def _still_answers(stub):
    yield
    assert list(stub.Predict(half([1.0, 2.0]), timeout=60).outputs["y"].float_val) == [3.5, 4.0]


def spec(name: str, version: int | None = None, signature: str = "", label: str = "") -> ModelSpec:
    made = ModelSpec(name=name, signature_name=signature)
    if label:
        made.version_label = label
    if version is not None:
        made.version.value = version
    return made


def half(values: list[float], *, dtype=np.float32, **which) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(model_spec=spec("half", **which))
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(values, dtype))
    return request


def tagger(texts: list[str], signature: str = "") -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(model_spec=spec("tagger", signature=signature))
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(texts, tf.string))
    return request


@contextlib.contextmanager
def refused(code: str, words: str):
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert (caught.value.code().name, words in caught.value.details()) == (code, True), (
        caught.value.details()
    )


def test_predict(stub):
    answer = stub.Predict(half([1.0, 2.0, 5.0], version=1))
    assert tf.make_ndarray(answer.outputs["y"]).tolist() == [2.5, 3.0, 4.5]
    assert answer.model_spec == spec("half", 1, "serving_default")
    assert list(stub.Predict(half([2.0], label="stable")).outputs["y"].float_val) == [3.0]
    filtered = tagger(["stat"])
    filtered.output_filter.append("labels")
    assert list(stub.Predict(filtered).outputs) == ["labels"]


def test_classify_regress_and_multi_inference(stub):
    request = classification_pb2.ClassificationRequest(
        model_spec=spec("half", 1, "classify_x_to_y")
    )
    request.input.example_list.examples.append(tf_example(x=[20.0]))
    (found,) = stub.Classify(request).result.classifications
    assert [choice.score for choice in found.classes] == [12.0]
    request = regression_pb2.RegressionRequest(model_spec=spec("half", 1, "regress_x_to_y"))
    request.input.example_list.examples.append(tf_example(x=[80.0]))
    assert [found.value for found in stub.Regress(request).result.regressions] == [42.0]
    both = inference_pb2.MultiInferenceRequest(input=request.input)
    both.tasks.add(model_spec=spec("half", 1, "regress_x_to_y"), method_name=REGRESS)
    both.tasks.add(model_spec=spec("half", 1, "classify_x_to_y"), method_name=CLASSIFY)
    regression, classification = stub.MultiInference(both).results
    assert regression.regression_result.regressions[0].value == 42.0
    assert classification.classification_result.classifications[0].classes[0].score == 42.0


def test_metadata(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=spec("tagger"), metadata_field=["signature_def"]
    )
    answer = stub.GetModelMetadata(request)
    assert answer.model_spec.version.value == 123
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert signatures.signature_def["classify"].method_name == CLASSIFY
    request.metadata_field.append("nonsense")
    with refused("INVALID_ARGUMENT", "nonsense"):
        stub.GetModelMetadata(request)


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (half([1], signature="nope"), "FAILED_PRECONDITION", '"nope" not found'),
        (half([1], version=9), "NOT_FOUND", "Servable not found for request: Specific(half, 9)"),
        (half([1], label="nope"), "INVALID_ARGUMENT", "Unrecognized servable version label: nope"),
        (half([1], dtype=np.int32), "INVALID_ARGUMENT", "float"),
        (
            predict_pb2.PredictRequest(model_spec=spec("half")),
            "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1",
        ),
        (
            predict_pb2.PredictRequest(model_spec=spec("nope")),
            "NOT_FOUND",
            "Servable not found for request: Latest(nope)",
        ),
    ],
)
def test_bad_requests(stub, request_, code, words):
    with refused(code, words):
        stub.Predict(request_)


def test_a_classify_of_a_signature_without_the_method(stub):
    request = classification_pb2.ClassificationRequest(model_spec=spec("half"))
    request.input.example_list.examples.append(tf_example(x=[20.0]))
    with refused("INVALID_ARGUMENT", "Was: tensorflow/serving/predict"):
        stub.Classify(request)


def test_large_messages_and_empty_ones(stub):
    answer = stub.Predict(tagger(["c" * 10_000_000], "probabilities"))
    assert np.isfinite(tf.make_ndarray(answer.outputs["probabilities"])).all()
    answer = stub.Predict(tagger(["math"] * 10_000, "probabilities"))
    assert tf.make_ndarray(answer.outputs["probabilities"]).shape == (10_000, 4)
    assert tf.make_ndarray(stub.Predict(tagger([""])).outputs["labels"]).shape == (1, 3)
    assert tf.make_ndarray(stub.Predict(tagger([])).outputs["labels"]).shape == (0, 3)


def test_a_long_message_reaches_the_client(stub):
    # Longer than the headers of a call may be.
    request = half([1.0])
    request.output_filter.append("y" * 100_000)
    with refused("INVALID_ARGUMENT", "output tensor alias not found in signature: yyy"):
        stub.Predict(request)


@pytest.mark.parametrize("letter", ["科", "\ufffd", "%", "é", "\n"])
def test_a_long_message_of_any_letters_reaches_the_client(stub, letter):
    request = half([1.0])
    request.output_filter.append(letter * 20_000)
    with refused("INVALID_ARGUMENT", f"output tensor alias not found in signature: {letter}"):
        stub.Predict(request)


def test_a_message_is_cut_only_where_it_is_too_long():
    assert cut_message("größe 100 %") == "größe 100 %"
    assert cut_message("y" * 6001) == "y" * 6000
    assert cut_message("é" * 1001) == "é" * 1000


def test_the_deadline_of_a_call_is_passed_on(stub, monkeypatch):
    seen = []

    async def predict(_, request, timeout):
        seen.append(timeout)
        return predict_pb2.PredictResponse()

    with monkeypatch.context() as patched:
        patched.setattr("serving.server.api.inference.Inference.predict", predict)
        stub.Predict(half([1.0]), timeout=50)
        stub.Predict(half([1.0]))
    assert seen[0] == pytest.approx(50, abs=10)
    assert seen[1] is None


def test_a_fault_of_the_server_is_an_internal_error_without_a_trace(stub, monkeypatch, caplog):
    async def break_down(*_):
        raise RuntimeError("a fault")

    with monkeypatch.context() as broken:
        broken.setattr("serving.server.api.inference.Inference.predict", break_down)
        with refused("INTERNAL", "RuntimeError: a fault"):
            stub.Predict(half([1.0]))
    (record,) = [r for r in caplog.records if r.name == "serving.server.api.grpc_service"]
    assert record.exc_info is not None


def states(answer: get_model_status_pb2.GetModelStatusResponse) -> list[tuple[int, str, int]]:
    state = get_model_status_pb2.ModelVersionStatus.State
    return [
        (found.version, state.Name(found.state), found.status.error_code)
        for found in answer.model_version_status
    ]


def test_status(models):
    ask = get_model_status_pb2.GetModelStatusRequest
    both = models.GetModelStatus(ask(model_spec=spec("half")))
    assert states(both) == [(7, "AVAILABLE", 0), (1, "AVAILABLE", 0)]
    assert all(found.HasField("status") for found in both.model_version_status)
    for which in ({"version": 1}, {"label": "stable"}):
        one = models.GetModelStatus(ask(model_spec=spec("half", **which)))
        assert states(one) == [(1, "AVAILABLE", 0)]
    with refused("INVALID_ARGUMENT", "Missing ModelSpec"):
        models.GetModelStatus(ask())
    with refused("NOT_FOUND", "Could not find any versions of model nope"):
        models.GetModelStatus(ask(model_spec=spec("nope")))


def test_another_configuration(server, stub, models):
    half_plus_two(server.folder / "more" / "1", add=10.0)
    request = model_management_pb2.ReloadConfigRequest()
    listed = request.config.model_config_list.config
    for name in ("half", "more"):
        path = str(server.folder / name)
        listed.add(name=name, base_path=path, model_platform="tensorflow")
    answer = models.HandleReloadConfigRequest(request)
    assert answer.HasField("status")
    assert (answer.status.error_code, answer.status.error_message) == (0, "")
    more = half([2.0])
    more.model_spec.name = "more"
    assert list(stub.Predict(more).outputs["y"].float_val) == [11.0]
    with refused("NOT_FOUND", "Servable not found for request: Latest(tagger)"):
        stub.Predict(tagger(["a"]))
    with refused("INVALID_ARGUMENT", "Only ModelConfigList is currently supported"):
        models.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest())
    listed.add(name="half", base_path="/tmp", model_platform="tensorflow")
    with refused("INVALID_ARGUMENT", "half multiple times"):
        models.HandleReloadConfigRequest(request)


@pytest.mark.parametrize("service", ["", "tensorflow.serving.PredictionService", "ModelService"])
def test_health(channel, service):
    health = health_pb2_grpc.HealthStub(channel)
    answer = health.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with refused("NOT_FOUND", ""):
        health.Check(health_pb2.HealthCheckRequest(service="nope"))
