"""Inference on one version of a model, as far as the contract tests can't show it."""

from __future__ import annotations

import asyncio

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from serving.server.api import inference
from serving.server.errors import ServingError
from serving.server.model.signatures import Signature
from tests.support.answering import Answering, answering

PREDICT = "tensorflow/serving/predict"


def request(**inputs) -> PredictRequest:
    made = PredictRequest()
    made.model_spec.name = "m"
    for name, value in inputs.items():
        made.inputs[name].CopyFrom(
            value if isinstance(value, TensorProto) else tf.make_tensor_proto(value)
        )
    return made


def outputs_of(answer: bytes) -> dict[str, object]:
    response = PredictResponse.FromString(answer)
    return {name: tf.make_ndarray(value).tolist() for name, value in response.outputs.items()}


def refusal(awaitable) -> ServingError:
    with pytest.raises(ServingError) as caught:
        asyncio.run(awaitable)
    return caught.value


@pytest.fixture
def with_default():
    """A model of two inputs, the second of which may be left out."""
    proto = SignatureDef(method_name=PREDICT)
    proto.inputs["x"].name, proto.inputs["y"].name = "x:0", "y:0"
    proto.defaults["y"].CopyFrom(tf.make_tensor_proto([5.0]))
    proto.outputs["z"].name = "z:0"
    return Answering(proto, z=np.float32([1]))


def test_an_input_with_a_default_may_be_left_out(with_default):
    asyncio.run(inference.predict(with_default, request(x=[1.0])))
    given = {name: value.tolist() for name, value in with_default.inputs.items()}
    assert given == {"x:0": [1], "y:0": [5]}
    asyncio.run(inference.predict(with_default, request(x=[1.0], y=[2.0])))
    assert with_default.inputs["y:0"].tolist() == [2]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"x": [1.0], "q": [2.0]},
            "Inputs contains invalid name. Used request inputs: x, request input: q,x",
        ),
        (
            {"y": [1.0]},
            "Signature input alias: x(feed name: x:0) not found in request and no default value "
            "provided. Inputs expected to be in the request {y}, or default input alias set: y",
        ),
        ({"x": TensorProto(dtype=1, tensor_content=b"abc")}, "tensor parsing error: x"),
        (
            {name: tf.make_tensor_proto(1.0, shape=[10**7]) for name in "xy"},
            "The request is too large: it would take 80000000 bytes, and --max_computing_bytes "
            "allows 67108864. Send it in parts.",
        ),
    ],
    ids=str,
)
def test_inputs_that_do_not_fit(with_default, inputs, message):
    error = refusal(inference.predict(with_default, request(**inputs)))
    assert (error.code, error.message) == (grpc.StatusCode.INVALID_ARGUMENT, message)


def test_outputs_keep_their_names_whatever_their_tensors_are_called():
    proto = SignatureDef(method_name=PREDICT)
    proto.inputs["x"].name = "x:0"
    proto.outputs["first"].name, proto.outputs["second"].name = "z:0", "a:0"
    model = Answering(proto, z=np.float32([1]), a=np.float32([2]))
    answer = asyncio.run(inference.predict(model, request(x=[1.0])))
    assert outputs_of(answer) == {"first": [1], "second": [2]}


def test_a_signature_without_a_method_is_not_for_inference():
    model = answering("", ["x"], y=np.float32([1]))
    error = refusal(inference.predict(model, request(x=[1.0])))
    assert error.code is grpc.StatusCode.INTERNAL
    assert error.message == (
        "Expected prediction signature method_name to be one of {tensorflow/serving/predict, "
        "tensorflow/serving/classify, tensorflow/serving/regress}. Was: "
    )


def test_outputs_are_chosen_in_any_order():
    proto = SignatureDef(method_name=PREDICT)
    for alias in "abc":
        proto.outputs[alias].name = f"{alias}:0"
    signature = Signature.read(proto)
    assert list(signature.choose(["c", "a"]).items()) == [("a", "a:0"), ("c", "c:0")]
    assert list(signature.every) == ["a", "b", "c"]
