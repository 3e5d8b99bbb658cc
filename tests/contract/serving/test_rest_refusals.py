"""The REST API: requests that are refused, with the status and the words of TF Serving."""

from __future__ import annotations

import json

import pytest

TEXT = {"flag": True, "tiny": 1, "small": 1, "large": 1, "ratio": 1.0}


def check(got, status, message):
    assert (got.status, message in got.error) == (status, True), got.text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        # http_rest_api_handler_test.cc PredictRequestErrors.
        ("", "JSON Parse error: The document is empty"),
        ("instances = [1, 2]", "JSON Parse error: Invalid value"),
        ({"instances": ["x", "y"]}, "not of expected type: float"),
        ({"signature_name": 100}, "'signature_name' key must be a string value."),
        # json_tensor.cc ParseJson.
        ('{"instances": [1, 2', "JSON Parse error: "),
        ('{"instances": [1, 2]} more', "JSON Parse error: "),
        ('{"instances": [1, 2],}', "JSON Parse error: "),
        ("{'instances': [1, 2]}", "JSON Parse error: "),
        ('{"instances": ["\\ud800"]}', "JSON Parse error: "),
        ("[1, 2]", "Is not object"),
        ("3", "Is not object"),
        # json_tensor.cc FillPredictRequestFromJson.
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": 1}, "Expecting 'instances' to be an list/array"),
        ({"instances": {"x": [1]}}, "Expecting 'instances' to be an list/array"),
        ({"instances": None}, "Expecting 'instances' to be an list/array"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"signature_name": "no", "instances": [1]}, 'Serving signature name: "no" not found'),
        # json_tensor_test.cc SingleUnnamedTensorErrors.
        ({"instances": [1.0], "inputs": [1.0]}, "Not formatted correctly"),
        ({"instances": [[1, 2], [3, 4], [5, 6, 7]]}, "Expecting tensor size"),
        ({"instances": [[1, 2], [3, 4], [[5, 6]]]}, "Expecting shape [2] but got: [1,2]"),
        ({"instances": [1, [1]]}, "Expecting shape"),
        ({"instances": [[1, 2], ["a", "b"]]}, "not of expected type"),
        # json_tensor_test.cc MultipleNamedTensorErrors.
        ({"instances": [{"x": 1}, [1, 20, 30]]}, "object but got list at item 1 of input list"),
        ({"instances": [1, {"x": 1}]}, "value/list but got object at item 1"),
        # json_tensor.cc FillTensorMapFromInstancesList.
        ({"instances": [{"z": 1}]}, "does not have named input: z"),
        ({"instances": [{"x": 1, "z": 1}]}, "does not have named input: z"),
        ({"instances": [{"x": 1}, {}]}, "Failed to process element: 1 of 'instances' list."),
        ({"instances": [1, None]}, "Failed to process element: 1 of 'instances' list."),
        ({"instances": [True]}, "not of expected type: float"),
        # json_tensor.cc FillTensorMapFromInputsMap and FillTensorProto.
        ({"inputs": {"z": [1]}}, "Missing named input: x in 'inputs' object."),
        ({"inputs": {}}, "Missing named input: x in 'inputs' object."),
        ({"inputs": None}, "Type: Null is not of expected type: float"),
        ({"inputs": ["a"]}, 'JSON Value: "a" Type: String is not of expected type: float'),
        ({"inputs": [[1, 2], [3]]}, "Encountered list at unexpected size: 1"),
        ({"inputs": [[1], 2]}, "found at incorrect level"),
        ({"inputs": [1, [2]]}, "Encountered list at unexpected level"),
        ({"inputs": [{"b64": "aGVsbG8="}]}, "Type: Object is not of expected type: float"),
        ({"inputs": {"x": {"a": 1}}}, "Type: Object is not of expected type: float"),
        # tensor_shape.h MaxDimensions: more than a tensor can have.
        ('{"inputs": ' + "[" * 255 + "1" + "]" * 255 + "}", "tensor parsing error: x"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_bodies_that_do_not_fit_the_signature(client, body, message):
    check(client.post("half_plus_two:predict", body), 400, message)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        # json_tensor.cc JsonDecodeBase64Object.
        ({"text": {"b64": "not base64 !"}}, "Unable to base64 decode"),
        ({"text": {"b64": "aGVsbG8=", "more": 1}}, "not formatted correctly for base64 data"),
        ({"text": {"b64": 5}}, "not formatted correctly for base64 data"),
        ({"text": 5}, "not of expected type: string"),
        # json_tensor.cc AddValueToTensor.
        ({"flag": 1}, "not of expected type: bool"),
        ({"flag": "true"}, "not of expected type: bool"),
        ({"small": 1.5}, "not of expected type: int32"),
        ({"small": 2**31}, "not of expected type: int32"),
        ({"large": 2**63}, "not of expected type: int64"),
        ({"large": "1"}, "not of expected type: int64"),
        ({"ratio": "1"}, "not of expected type: double"),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type(client, changed, message):
    row = {"text": "t", **TEXT, **changed}
    check(client.post("echo:predict", {"instances": [row]}), 400, message)
    columns = {name: [value] for name, value in row.items()}
    check(client.post("echo:predict", {"inputs": columns}), 400, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instances": [1.0]}, "instances is a plain list, but expecting list of objects"),
        ({"inputs": [1.0]}, "inputs is a plain value/list, but expecting an object"),
        ({"instances": [{"text": "t"}]}, "Failed to process element: 0 of 'instances' list."),
        ({"inputs": {**TEXT}}, "Missing named input: text in 'inputs' object."),
    ],
)
def test_several_inputs_must_be_named(client, body, message):
    """json_tensor.cc FillTensorMapFromInstancesList and FillTensorMapFromInputsMap."""
    check(client.post("echo:predict", body), 400, message)


# api_rest.md, end of "Example"; server_core.cc and basic_manager.cc.
@pytest.mark.parametrize("method", ["predict", "classify", "regress"])
@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("half", 404, "Servable not found for request: Latest(half)"),
        ("half/versions/50", 404, "Servable not found for request: Specific(half, 50)"),
        ("half_plus_two/versions/99", 404, "request: Specific(half_plus_two, 99)"),
        ("half_plus_two/labels/no", 400, "Unrecognized servable version label: no"),
    ],
)
def test_unknown_models_versions_and_labels(client, path, method, status, message):
    body = {"instances": [1.0], "examples": [{"x": 1.0}]}
    check(client.post(f"{path}:{method}", body), status, message)


# http_rest_api_handler_test.cc UnsupportedApiCalls.
@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/v1/foo", "Malformed request"),
        ("POST", "/v1/foo", "Malformed request"),
        ("GET", "/v1/models", "Missing model name"),
        ("GET", "/v1/models/debug/model_name", "Malformed request"),
        ("POST", "/v1/models", "Malformed request"),
        ("GET", "/v1/models/foo:predict", "Malformed request"),
        ("GET", "/v1/models/foo/version/50:predict", "Malformed request"),
        ("POST", "/v1/models/foo/version/50:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/HELLO:regress", "Malformed request"),
        ("POST", "/v1/models/foo/metadata", "Malformed request"),
        ("POST", "/v1/models/foo/label/some_label:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/50/labels/some_label:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/some_label:regress", "Malformed request"),
        # http_rest_api_handler.cc ProcessRequest knows two verbs.
        ("PUT", "/v1/models/half_plus_two", "Malformed request: PUT /v1/models/half_plus_two"),
        ("DELETE", "/v1/models/half_plus_two:predict", "Malformed request: DELETE"),
        ("POST", "/v1/models/half_plus_two:multi", "Malformed request"),
        ("POST", "/v1/models/half_plus_two:predict/", "Malformed request"),
    ],
)
def test_malformed_paths(client, method, path, message):
    check(client.request(method, path, content="{}" if method == "POST" else ""), 400, message)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", f"{2**63}:regress"), ("GET", f"{2**64 - 1}/metadata")]
)
def test_a_version_past_int64(client, method, path):
    """http_rest_api_util.cc: no reason is given."""
    got = client.request(method, f"/v1/models/foo/versions/{path}")
    assert (got.status, got.text) == (400, "")
