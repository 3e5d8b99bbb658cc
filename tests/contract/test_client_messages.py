"""The client's own messages are those of the official stubs, and spare it TensorFlow."""

from __future__ import annotations

import random
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow_serving.apis import model_pb2, predict_pb2
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from serving.client import messages
from serving.client.grpc_transport import make_request
from serving.client.transport import Target
from serving.protos import load_messages

MODEL_SPEC = load_messages("predict")["ModelSpec"]

OFFICIAL = {
    messages.PredictRequest: predict_pb2.PredictRequest,
    messages.PredictResponse: predict_pb2.PredictResponse,
    MODEL_SPEC: model_pb2.ModelSpec,
    messages.TensorProto: tensor_pb2.TensorProto,
    load_messages("tensor")["TensorShapeProto"]: tensor_shape_pb2.TensorShapeProto,
}


def fields(message) -> dict[str, tuple[object, ...]]:
    proto = descriptor_pb2.DescriptorProto()
    message.DESCRIPTOR.CopyToProto(proto)
    return {
        field.name: (
            field.number,
            field.type,
            field.label,
            field.type_name,
            proto.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else None,
        )
        for field in proto.field
    }


@pytest.mark.parametrize("ours", OFFICIAL, ids=lambda each: each.DESCRIPTOR.full_name)
def test_fields_are_the_official_ones(ours):
    official = OFFICIAL[ours]
    assert ours.DESCRIPTOR.full_name == official.DESCRIPTOR.full_name
    assert fields(ours).items() <= fields(official).items()
    assert len(fields(ours)) >= 2


def test_model_spec_and_response_are_complete():
    assert set(fields(MODEL_SPEC)) == set(fields(model_pb2.ModelSpec))
    assert set(fields(messages.PredictResponse)) == set(fields(predict_pb2.PredictResponse))


def test_data_types_and_the_method_are_the_official_ones():
    ours = messages.TensorProto.DESCRIPTOR.fields_by_name["dtype"].enum_type
    official = types_pb2.DataType.DESCRIPTOR
    assert ours.full_name == official.full_name
    numbers = {value.name: value.number for value in ours.values}
    assert numbers.items() <= {value.name: value.number for value in official.values}.items()
    for name in ("DT_STRING", "DT_FLOAT", "DT_BOOL"):
        assert getattr(messages, name) == getattr(types_pb2, name)
    # protobuf 6 can't import the descriptor of the service; its stub has the name too.
    channel = mock.Mock(unary_unary=lambda path, **_: path)
    assert PredictionServiceStub(channel).Predict == messages.PREDICT_METHOD


def random_texts(draw: random.Random) -> list[str]:
    letters = "abc äß\n\u2028😀\0"
    return ["".join(draw.choices(letters, k=draw.randrange(50))) for _ in range(draw.randrange(9))]


@pytest.mark.parametrize("seed", range(30))
def test_request_has_the_bytes_of_the_official_stubs(seed):
    draw = random.Random(seed)
    version = draw.choice([None, 0, 1, 2**40])
    label = draw.choice([None, "stable", "größe"]) if version is None else None
    texts = random_texts(draw)
    ours = make_request(Target("arxiv_tagger", version, label), texts)

    official = predict_pb2.PredictRequest()
    official.model_spec.name = "arxiv_tagger"
    official.model_spec.signature_name = "serving_default"
    if version is not None:
        official.model_spec.version.value = version
    if label is not None:
        official.model_spec.version_label = label
    encoded = np.array([text.encode() for text in texts], object)
    official.inputs["text"].CopyFrom(tf.make_tensor_proto(encoded, tf.string, shape=(len(texts),)))
    assert ours.SerializeToString() == official.SerializeToString()


@pytest.mark.parametrize("as_content", [False, True])
@pytest.mark.parametrize("seed", range(15))
def test_answer_of_the_official_stubs_is_read_and_written_back(seed, as_content):
    draw = np.random.default_rng(seed)
    shape = (int(draw.integers(0, 6)), int(draw.integers(1, 5)))
    values = {
        "labels": draw.integers(0, 99, shape).astype(str).astype(object),
        "scores": draw.random(shape, np.float32),
        "suggested": draw.random(shape) < 0.5,
    }
    official = predict_pb2.PredictResponse()
    official.model_spec.name = "arxiv_tagger"
    official.model_spec.version.value = seed
    official.model_spec.signature_name = "serving_default"
    for name, value in values.items():
        made = tf.make_tensor_proto(value, shape=shape)
        if not as_content and name != "labels":
            field = made.float_val if name == "scores" else made.bool_val
            made.ClearField("tensor_content")
            del field[:]
            field.extend(value.ravel().tolist())
        official.outputs[name].CopyFrom(made)
    # Unknown fields are kept.
    official.outputs["scores"].variant_val.add().type_name = "unknown to the client"
    data = official.SerializeToString(deterministic=True)
    ours = messages.PredictResponse.FromString(data)
    assert ours.SerializeToString(deterministic=True) == data
    for name, value in values.items():
        assert messages.read_tensor(ours.outputs[name]) == value.tolist()
