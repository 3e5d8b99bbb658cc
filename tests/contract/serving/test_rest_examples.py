"""The Classify and Regress API of the REST API."""

from __future__ import annotations

import math

import pytest

CLASSIFY = {"signature_name": "classify_x_to_y"}
REGRESS = {"signature_name": "regress_x_to_y"}
METHODS = pytest.mark.parametrize(
    ("method", "signature"), [("classify", CLASSIFY), ("regress", REGRESS)]
)


def test_each_example_has_its_result_in_order(client):
    """tensorflow_model_server_test.py testClassifyREST and testRegressREST."""
    examples = [{"x": 80.0}, {"x": [20.0]}, {"x": -4.0}]
    got = client.post("half_plus_two:regress", {**REGRESS, "examples": examples})
    assert got.content == {"results": [42.0, 12.0, 0.0]}
    got = client.post("half_plus_two:classify", {**CLASSIFY, "examples": examples})
    assert got.content == {"results": [[["", 42.0]], [["", 12.0]], [["", 0.0]]]}
    assert (got.status, got.content_type) == (200, "application/json")


def test_features_that_all_examples_share(client):
    """api_rest.md, "Request format": "context"."""
    body = {**REGRESS, "context": {"x": 2.0}, "examples": [{}, {"x2": 1.0}]}
    assert client.post("half_plus_two:regress", body).content == {"results": [3.0, 3.0]}


def test_nan_and_infinity(client):
    """json_tensor_test.cc JsonFromRegressionResultWithNonFinite."""
    body = '{"signature_name": "regress_x_to_y", "examples": [{"x": NaN}, {"x": -Infinity}]}'
    got = client.post("half_plus_two:regress", body)
    first, second = got.content["results"]
    assert math.isnan(first)
    assert second == -math.inf


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("versions/versions/1", 3.0),
        ("versions/labels/stable", 3.0),
        ("versions/labels/canary", 4.0),
    ],
)
def test_a_version_is_chosen(client, labelled, path, expected):
    """http_rest_api_handler_test.cc Regress and Classify."""
    examples = [{"x": 2.0}]
    got = client.post(f"{path}:regress", {**REGRESS, "examples": examples})
    assert got.content == {"results": [expected]}
    got = client.post(f"{path}:classify", {**CLASSIFY, "examples": examples})
    assert got.content == {"results": [[["", expected]]]}


@METHODS
@pytest.mark.parametrize(
    ("body", "message"),
    [
        # json_tensor_test.cc JsonErrors.
        ({"signature_name": ["no"], "examples": [{"x": 1.0}]}, "key must be a string"),
        ({"context": [{"x": 1.0}], "examples": [{}]}, "Example must be JSON object"),
        ({"examples": {"x": 1.0}}, "list/array"),
        ({"examples": [[{"x": 1.0}]]}, "Example must be JSON object"),
        ({"examples": [{"x": [10, None]}]}, "x has element with unexpected JSON type: Null"),
        ({"examples": [{"x": [10, 10.0]}]}, "feature: x expecting type: int64"),
        ({"examples": [{"x": [10, {"a": 1}]}]}, "x has element with unexpected JSON type: Object"),
        ({"examples": [{"x": [[10], 20]}]}, "x has element with unexpected JSON type: Array"),
        (
            {"examples": [{"x": [20, 18446744073709551603]}]},
            "x has uint64_t element. Only int64_t is supported.",
        ),
        ({"examples": [{"x": {"b64": "not base64 !"}}]}, "Unable to base64 decode"),
        # json_tensor.cc FillClassifyRegressRequestFromJson.
        ({}, "'examples' is expected and was not found"),
        ({"examples": []}, "'examples' value is an empty array"),
        ("", "JSON Parse error: The document is empty"),
        ("{", "JSON Parse error: "),
        ("[]", "Is not object"),
        # classifier.cc and regressor.cc.
        (
            {"signature_name": "no", "examples": [{"x": 1.0}]},
            "No signature was found with the name",
        ),
        ({"signature_name": "", "examples": [{"x": 1.0}]}, "signature method_name to be"),
        # tf.io.parse_example, whose refusal is passed on.
        ({"examples": [{"x": 1}]}, "Data type: int64 but expected type: float"),
        ({"examples": [{}]}, "Feature: x (data type: float) is required but could not be found."),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_request_that_does_not_fit(client, method, signature, body, message):
    if isinstance(body, dict):
        body = {**signature, **body}
    got = client.post(f"half_plus_two:{method}", body)
    assert (got.status, message in got.error) == (400, True), got.text
