"""PredictionService.Predict."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

from tests.support.contract.api import array, floats, refusal, spec_of

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
FAILED = grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize("outputs", [["y"], []])
@pytest.mark.parametrize(("model", "expected"), [("half_plus_two", 3), ("half_plus_three", 4)])
def test_a_model_computes(client, model, expected, outputs):
    """tensorflow_model_server_test.py testPredictSavedModel and testGoodModelConfig."""
    response = client.predict(model, {"x": floats(2)}, outputs=outputs)
    assert list(response.outputs) == ["y"]
    assert response.outputs["y"].dtype == tf.float32.as_datatype_enum
    assert list(response.outputs["y"].float_val) == [expected]
    assert spec_of(response) == (model, "serving_default", 123)


def test_variables_of_tensorflow_2_are_restored(client):
    """tensorflow_model_server_test.py test_tf_saved_model_save."""
    response = client.predict("twice_thrice", {"x": floats(2)})
    assert list(response.outputs["y"].float_val) == [12]


@pytest.mark.parametrize(
    ("signature", "expected"), [("custom_signature_key", 2), ("serving_default", 1), ("", 1)]
)
def test_a_signature_is_chosen_by_name(client, signature, expected):
    """tensorflow_model_server_test.py test_tf_saved_model_save_multiple_signatures."""
    response = client.predict("one_or_two", {"x": floats(2)}, signature=signature)
    assert list(response.outputs["y"].float_val) == [expected]
    assert response.model_spec.signature_name == (signature or "serving_default")


@pytest.mark.parametrize("model", ["keras", "mirrored_keras"])
def test_a_keras_model_is_served(client, model):
    """tensorflow_model_server_test.py: test_sequential_keras_saved_model_save, and distrat."""
    response = client.predict(model, {"x": floats(2, shape=(1, 1))})
    assert list(response.outputs["y"].float_val) == [2]


def test_a_scalar_stays_one(client):
    """predict_impl_test.cc PredictionSuccess."""
    response = client.predict("half_plus_two", {"x": floats(2, shape=())})
    assert list(response.outputs["y"].float_val) == [3]
    assert not response.outputs["y"].tensor_shape.dim


def test_rows_keep_their_order_and_shape(client):
    """predict_util.cc RunPredict: the outputs are the session's, as they are."""
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    y = client.predict("half_plus_two", {"x": x}).outputs["y"]
    np.testing.assert_array_equal(array(y), x / 2 + 2)


def test_a_tensor_may_come_as_raw_bytes_and_goes_as_values(client):
    """tensor.proto "tensor_content"; predict_util.cc answers with AsProtoField."""
    x = floats(shape=(2,))
    x.tensor_content = np.array([2, 4], np.float32).tobytes()
    y = client.predict("half_plus_two", {"x": x}).outputs["y"]
    assert list(y.float_val) == [3, 4]
    assert not y.tensor_content


def test_the_last_value_stands_for_those_left_out(client):
    """tensor.proto on its fields of values; tensor.cc Tensor::FromProto."""
    y = client.predict("half_plus_two", {"x": floats(2, 4, shape=(4,))}).outputs["y"]
    assert list(array(y)) == [3, 4, 4, 4]


def test_an_empty_batch_is_computed(client):
    """predict_util.cc: no check of sizes."""
    y = client.predict("half_plus_two", {"x": floats()}).outputs["y"]
    assert [dim.size for dim in y.tensor_shape.dim] == [0]
    assert not y.float_val


def test_nan_and_infinity_pass_through(client):
    """predict_util.cc: no check of values."""
    y = client.predict("half_plus_two", {"x": floats(np.nan, np.inf, -np.inf)}).outputs["y"]
    np.testing.assert_array_equal(list(y.float_val), [np.nan, np.inf, -np.inf])


def test_round_trip_of_every_type(client):
    """predict_util.cc: FromProto and AsProtoField."""
    inputs = {
        "text": tf.make_tensor_proto([b"a", "größe".encode(), b"\xff\x00"]),
        "flag": tf.make_tensor_proto([True, False, True]),
        "tiny": tf.make_tensor_proto([0, 1, 255], tf.uint8),
        "small": tf.make_tensor_proto([-(2**31), 0, 2**31 - 1], tf.int32),
        "large": tf.make_tensor_proto([-(2**63), 0, 2**63 - 1], tf.int64),
        "ratio": tf.make_tensor_proto([0.1, -1e300, 5e-324], tf.float64),
    }
    outputs = client.predict("echo", inputs).outputs
    assert set(outputs) == {*inputs, "text_bytes"}
    for name, value in inputs.items():
        assert outputs[name].dtype == value.dtype
        assert array(outputs[name]).tolist() == array(value).tolist()


def test_only_the_outputs_asked_for_come_back(client):
    """predict.proto "output_filter"."""
    request = {name: tf.make_tensor_proto([value], kind) for name, value, kind in _ECHO}
    outputs = client.predict("echo", request, outputs=["large", "flag"]).outputs
    assert {name: array(value).tolist() for name, value in outputs.items()} == {
        "large": [7],
        "flag": [True],
    }


_ECHO = (
    ("text", b"t", tf.string),
    ("flag", True, tf.bool),
    ("tiny", 5, tf.uint8),
    ("small", 6, tf.int32),
    ("large", 7, tf.int64),
    ("ratio", 8, tf.float64),
)


def test_predict_runs_a_regression_signature(client):
    """predict_impl_test.cc PredictionWithNamedRegressionSignature."""
    inputs = {"inputs": floats(2, shape=())}
    response = client.predict("half_plus_two", inputs, signature="regress_x2_to_y3")
    assert list(response.outputs["outputs"].float_val) == [4]
    assert response.model_spec.signature_name == "regress_x2_to_y3"


def test_predict_runs_a_classification_signature_on_serialized_examples(client):
    """predict_util.cc: any of the three method names will do."""
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.append(2)
    response = client.predict(
        "half_plus_two",
        {"inputs": tf.make_tensor_proto([example.SerializeToString()])},
        signature="classify_x_to_y",
    )
    assert list(response.outputs["scores"].float_val) == [3]


# Messages: predict_util.cc, and TensorFlow's on types; codes: predict_impl_test.cc.
@pytest.mark.parametrize(
    ("inputs", "choice", "code", "message"),
    [
        ({}, {}, INVALID, "input size does not match signature: 0!=1"),
        ({"x": 2.0, "z": 2.0}, {}, INVALID, "Sent extra: {z}. Missing but required: {}."),
        ({"z": 2.0}, {}, INVALID, "x"),
        ({"x": "any_key"}, {}, INVALID, "to be float but string is provided"),
        ({"x": tf.make_tensor_proto([2], tf.int64)}, {}, INVALID, "to be float but int64 is prov"),
        ({"x": 2.0}, {"signature": "no"}, FAILED, 'Serving signature key "no" not found.'),
        ({"x": 2.0}, {"outputs": ["z"]}, INVALID, "output tensor alias not found in signature: z"),
        ({"x": 2.0}, {"outputs": ["y", "y"]}, INVALID, "duplicate output tensor alias: y"),
        ({"x": 2.0}, {"version": 99}, NOT_FOUND, "Specific(half_plus_two, 99)"),
        ({"x": 2.0}, {"label": "no"}, INVALID, "Unrecognized servable version label: no"),
    ],
    ids=[
        "missing input",
        "extra input",
        "wrong input",
        "text for numbers",
        "integers for floats",
        "unknown signature",
        "unknown output",
        "output twice",
        "unknown version",
        "unknown label",
    ],
)
def test_a_wrong_request_is_refused(client, inputs, choice, code, message):
    got, details = refusal(lambda: client.predict("half_plus_two", inputs, **choice))
    assert got is code
    assert message in details


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("half", NOT_FOUND, "Servable not found for request: Latest(half)"),
        ("", INVALID, "ModelSpec has no name specified."),
    ],
)
def test_a_model_must_be_named_and_be_there(client, name, code, message):
    """predict_impl_test.cc MissingOrEmptyModelSpec; api_rest.md, end of "Example"."""
    assert refusal(lambda: client.predict(name, {"x": 2.0})) == (code, message)


@pytest.mark.parametrize(
    ("service", "method", "request_"),
    [
        ("prediction", "Predict", predict_pb2.PredictRequest()),
        ("prediction", "Classify", classification_pb2.ClassificationRequest()),
        ("prediction", "Regress", regression_pb2.RegressionRequest()),
        (
            "prediction",
            "GetModelMetadata",
            get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]),
        ),
        ("models", "GetModelStatus", get_model_status_pb2.GetModelStatusRequest()),
    ],
)
def test_a_request_must_say_which_model(client, service, method, request_):
    """predict_impl.cc, classifier.cc and their like."""
    call = getattr(getattr(client, service), method)
    assert refusal(lambda: call(request_, 60)) == (INVALID, "Missing ModelSpec")


@pytest.mark.parametrize(
    "change",
    [
        lambda proto: proto.tensor_shape.dim.add(size=-5),
        lambda proto: setattr(proto, "tensor_content", b"123"),
        lambda proto: setattr(proto, "dtype", 0),
        lambda proto: proto.tensor_shape.dim.extend([proto.tensor_shape.dim[0]] * 254),
    ],
    ids=["negative size", "bytes missing", "no type", "255 dimensions"],
)
def test_invalid_tensors_are_refused(client, change):
    """predict_util.cc PreProcessPrediction: Tensor::FromProto fails."""
    x = floats(2)
    change(x)
    assert refusal(lambda: client.predict("half_plus_two", {"x": x})) == (
        INVALID,
        "tensor parsing error: x",
    )


@pytest.mark.parametrize(
    ("choice", "expected"), [({}, 4), ({"version": 1}, 3), ({"version": 2}, 4)]
)
def test_a_version_is_chosen_by_number(client, choice, expected):
    """serving_config.md, "Serving Multiple Versions of a Model"; model.proto "version"."""
    response = client.predict("versions", {"x": 2.0}, **choice)
    assert array(response.outputs["y"]).item() == expected
    assert response.model_spec.version.value == choice.get("version", 2)


@pytest.mark.parametrize(("label", "version"), [("stable", 1), ("canary", 2)])
def test_a_version_is_chosen_by_label(client, labelled, label, version):
    """serving_config.md, "Assigning String Labels"; model.proto "version_label"."""
    response = client.predict(labelled, {"x": 2.0}, label=label)
    assert array(response.outputs["y"]).item() == {1: 3, 2: 4}[version]
    assert response.model_spec.version.value == version
    assert not response.model_spec.version_label
