"""A client for the tests: official stubs over gRPC, plain HTTP over REST."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPResponse
from typing import Any, NamedTuple

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from tests.support.contract.targets import Address
from tests.support.saved_models import tf_example

# Past it a server is taken to hang.
TIMEOUT = 60.0
_POLL_SECONDS = 0.05
_NO_LIMITS = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


class Answer(NamedTuple):
    """What the REST API answered."""

    status: int
    text: str
    content_type: str
    headers: Any

    @property
    def content(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        """The message of an answer that is nothing but an error (api_rest.md, first section)."""
        content = self.content
        assert list(content) == ["error"]
        assert self.content_type.startswith("application/json")
        return content["error"]


class State(NamedTuple):
    """Of a version: its state, and the code and message of what hindered it."""

    state: str
    code: str
    message: str


class Client:
    """Calls one server.

    Attributes:
        address: Of the server.
        prediction: Stub of PredictionService.
        models: Stub of ModelService.
        health: Stub of the standard health service.
        http: Client of the REST port.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._channel = grpc.insecure_channel(address.grpc, options=_NO_LIMITS)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self.health = health_pb2_grpc.HealthStub(self._channel)
        self.http = httpx.Client(
            base_url=f"http://{address.rest}", timeout=TIMEOUT, trust_env=False
        )

    def close(self) -> None:
        self._channel.close()
        self.http.close()

    def post(self, path: str, body: object, **kwargs: Any) -> Answer:
        """Posts JSON, or text or bytes as they are, to a path below /v1/models/."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.request("POST", f"/v1/models/{path}", content=content, **kwargs)

    def get(self, path: str) -> Answer:
        """Gets a path below /v1/models/."""
        return self.request("GET", f"/v1/models/{path}")

    def connect(self) -> socket.socket:
        """Opens a connection to the REST port, to send what no client would."""
        host, _, port = self.address.rest.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), TIMEOUT)

    def request(self, method: str, path: str, **kwargs: Any) -> Answer:
        got = self.http.request(method, path, **kwargs)
        return Answer(got.status_code, got.text, got.headers.get("content-type", ""), got.headers)

    def predict(
        self, model: str, inputs: Mapping[str, object], timeout: float = TIMEOUT, **choice: Any
    ) -> predict_pb2.PredictResponse:
        """Calls Predict; see `predict_request`."""
        return self.prediction.Predict(predict_request(model, inputs, **choice), timeout)

    def classify(self, request: Any) -> classification_pb2.ClassificationResponse:
        return self.prediction.Classify(request, TIMEOUT)

    def regress(self, request: Any) -> regression_pb2.RegressionResponse:
        return self.prediction.Regress(request, TIMEOUT)

    def multi_inference(self, request: Any) -> inference_pb2.MultiInferenceResponse:
        return self.prediction.MultiInference(request, TIMEOUT)

    def metadata(
        self, fields: Iterable[str] = ("signature_def",), **spec: Any
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=model_spec(**spec), metadata_field=fields
        )
        return self.prediction.GetModelMetadata(request, TIMEOUT)

    def status(self, **spec: Any) -> dict[int, State]:
        """Returns the states of a model's versions, in the order of the answer."""
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=model_spec(**spec))
        names = get_model_status_pb2.ModelVersionStatus.State
        return {
            each.version: State(
                names.Name(each.state), _CODES[each.status.error_code], each.status.error_message
            )
            for each in self.models.GetModelStatus(request, TIMEOUT).model_version_status
        }

    def reload(self, config: ModelServerConfig) -> model_management_pb2.ReloadConfigResponse:
        request = model_management_pb2.ReloadConfigRequest(config=config)
        return self.models.HandleReloadConfigRequest(request, TIMEOUT)

    def wait_state(self, model: str, version: int, state: str) -> State:
        """Waits until a version is in a state, and returns it."""

        def reached() -> State | None:
            found = self.status(name=model).get(version)
            return found if found and found.state == state else None

        return wait_for(reached)


def http_request(line: str, body: bytes = b"", headers: str = "") -> bytes:
    """An HTTP request with that first line, which may leave out the version."""
    line = line if line.count(" ") > 1 else f"{line} HTTP/1.1"
    size = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{line}\r\nHost: localhost\r\n{size}{headers}\r\n".encode() + body


def receive(connection: socket.socket) -> Answer:
    """Reads one HTTP answer; its headers are those of `http.client`."""
    response = HTTPResponse(connection)
    response.begin()
    text = response.read().decode()
    return Answer(response.status, text, response.headers.get("content-type", ""), response.headers)


def wait_for(check: Callable[[], Any], seconds: float = TIMEOUT) -> Any:
    """Returns what a check returns as soon as that is true; fails after a time."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(_POLL_SECONDS)
    return found


def refusal(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """Returns code and message of the error that a call over gRPC ends in."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def model_spec(
    name: str = "", signature: str = "", version: int | None = None, label: str | None = None
) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=name, signature_name=signature)
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
    return spec


def spec_of(answered: Any) -> tuple[str, str, int]:
    """The name, signature and version of the model that answered."""
    spec = answered.model_spec
    return spec.name, spec.signature_name, spec.version.value


def predict_request(
    model: str, inputs: Mapping[str, object], outputs: Iterable[str] = (), **spec: Any
) -> predict_pb2.PredictRequest:
    """A request with tensors: given as such, or as numbers or text for float and string."""
    request = predict_pb2.PredictRequest(
        model_spec=model_spec(model, **spec), output_filter=outputs
    )
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tensor(value))
    return request


def tensor(value: object) -> Any:
    if isinstance(value, Message):
        return value
    array = np.asarray(value)
    return tf.make_tensor_proto(array, tf.string if array.dtype.kind in "SUO" else tf.float32)


def floats(*values: float, shape: Iterable[int] | None = None) -> Any:
    """A float tensor with its values in float_val, as C++ clients send it."""
    proto = tf.make_tensor_proto(0.0)
    proto.ClearField("tensor_shape")
    proto.ClearField("float_val")
    for size in (len(values),) if shape is None else shape:
        proto.tensor_shape.dim.add().size = size
    proto.float_val.extend(values)
    return proto


def array(proto: Any) -> np.ndarray:
    return tf.make_ndarray(proto)


def examples(*features: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> Any:
    """The input of Classify, Regress and MultiInference."""
    given = input_pb2.Input()
    if context is None:
        into = given.example_list
    else:
        into = given.example_list_with_context
        into.context.CopyFrom(tf_example(**context))
    for each in features:
        into.examples.add().CopyFrom(tf_example(**each))
    return given


def classification(given: Any, **spec: Any) -> classification_pb2.ClassificationRequest:
    return classification_pb2.ClassificationRequest(model_spec=model_spec(**spec), input=given)


def regression(given: Any, **spec: Any) -> regression_pb2.RegressionRequest:
    return regression_pb2.RegressionRequest(model_spec=model_spec(**spec), input=given)


def multi_inference(given: Any, *tasks: tuple[str, str, str]) -> Any:
    """A request whose tasks are (model, signature, method after `tensorflow/serving/`)."""
    request = inference_pb2.MultiInferenceRequest(input=given)
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.CopyFrom(model_spec(model, signature))
    return request
