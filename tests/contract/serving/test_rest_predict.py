"""The Predict API of the REST API: good requests, by row and by column."""

from __future__ import annotations

import base64
import gzip
import json
import math

import pytest

# Two instances of every type in the table of api_rest.md, "JSON mapping", that the model has.
ROWS = [
    {"text": "foo", "flag": True, "tiny": 1, "small": -10, "large": 2**62, "ratio": 1.1},
    {"text": "größe", "flag": False, "tiny": 255, "small": 0, "large": 0, "ratio": -1e-3},
]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


@pytest.mark.parametrize("name", [{}, {"signature_name": "serving_default"}])
@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        # tensorflow_model_server_test.py testPredictREST and testPredictColumnarREST.
        ({"instances": [2.0, 3.0, 4.0]}, {"predictions": [3.0, 3.5, 4.0]}),
        ({"inputs": [2.0, 3.0, 4.0]}, {"outputs": [3.0, 3.5, 4.0]}),
        # http_rest_api_handler_test.cc Predict.
        ({"instances": [[1.0, 2.0], [3.0, 4.0]]}, {"predictions": [[2.5, 3.0], [3.5, 4.0]]}),
        # json_tensor_test.cc MixedInputForFloatTensor.
        ({"instances": [1, 2.0, 3]}, {"predictions": [2.5, 3.0, 3.5]}),
        # json_tensor_test.cc SingleNamedTensorBase64: the one input may be named.
        ({"instances": [{"x": 2.0}, {"x": 3}]}, {"predictions": [3.0, 3.5]}),
        # json_tensor_test.cc SingleUnnamedTensorColumnarFormat.
        ({"inputs": {"x": [[[2, 4], [6, 8]]]}}, {"outputs": [[[3.0, 4.0], [5.0, 6.0]]]}),
        # "inputs": <value> of api_rest.md, "Predict API", "Request format".
        ({"inputs": 2.0}, {"outputs": 3.0}),
        ({"inputs": {"x": 2.0}}, {"outputs": 3.0}),
        # json_tensor.cc reads the keys that it knows.
        ({"instances": [2.0], "comment": [1, {"a": None}]}, {"predictions": [3.0]}),
        ({"inputs": {"x": [2.0], "z": [1.0]}}, {"outputs": [3.0]}),
        # json_tensor.cc MakeColumnarFormatJsonFromTensors has no check of sizes.
        ({"inputs": []}, {"outputs": []}),
    ],
    ids=str,
)
def test_a_request_is_answered_in_its_own_form(client, request_, answer, name):
    got = client.post("half_plus_two:predict", {**name, **request_})
    assert (got.status, got.content) == (200, answer)
    # http_rest_api_handler_test.cc Predict.
    assert got.content_type == "application/json"


def test_curls_own_content_type_will_do(client):
    """api_rest.md, "Example": curl -d '{"instances": [1.0,2.0,5.0]}' -X POST."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = '{"instances": [1.0,2.0,5.0]}'
    got = client.post("half_plus_three:predict", body, headers=headers)
    assert got.content == {"predictions": [3.5, 4.0, 5.5]}


@pytest.mark.parametrize(
    ("signature", "answer"), [("custom_signature_key", 2.0), ("serving_default", 1.0)]
)
def test_a_signature_is_chosen_by_name(client, signature, answer):
    """api_rest.md, "Predict API": "signature_name"."""
    got = client.post("one_or_two:predict", {"signature_name": signature, "inputs": 5.0})
    assert got.content == {"outputs": answer}


def test_several_inputs_and_outputs(client):
    """api_rest.md, "Specifying input tensors in row format" and "… column format"."""
    got = client.post("echo:predict", {"instances": ROWS})
    # api_rest.md, "Output of binary values".
    expected = [{**row, "text_bytes": b64(row["text"].encode())} for row in ROWS]
    assert got.content == {"predictions": expected}
    got = client.post("echo:predict", {"inputs": COLUMNS})
    text_bytes = [b64(text.encode()) for text in COLUMNS["text"]]
    assert got.content == {"outputs": {**COLUMNS, "text_bytes": text_bytes}}


def test_scalars_stay_scalars(client):
    """json_tensor.cc MakeColumnarFormatJsonFromTensors: a string is one too."""
    got = client.post("echo:predict", {"inputs": ROWS[0]})
    assert got.content == {"outputs": {**ROWS[0], "text_bytes": b64(b"foo")}}


@pytest.mark.parametrize("data", [b"image bytes", b"", b"\x00\xff\xfe", "größe".encode()])
def test_binary_values_travel_as_base64(client, data):
    """api_rest.md, "Encoding binary values"."""
    row = {**ROWS[0], "text": b64(data)}
    for body, place in (
        ({"instances": [row]}, lambda content: content["predictions"][0]["text_bytes"]),
        (
            {"inputs": {name: [value] for name, value in row.items()}},
            lambda content: content["outputs"]["text_bytes"][0],
        ),
    ):
        # Beside it the same bytes come as text, which some are not.
        got = client.http.post("/v1/models/echo:predict", json=body)
        content = json.loads(got.content.decode("utf-8", errors="replace"))
        assert base64.b64decode(place(content)["b64"]) == data


@pytest.mark.parametrize(
    "text", ["", " ", "größe", "数学", "🦉", 'a "quoted" \\ text', "line\nbreak\ttab\x00null"]
)
def test_text_round_trip(client, text):
    """api_rest.md, "JSON mapping": DT_STRING."""
    row = {**ROWS[0], "text": text}
    for body in (
        json.dumps({"instances": [row]}),
        json.dumps({"instances": [row]}, ensure_ascii=False),
    ):
        got = client.post("echo:predict", body.encode())
        assert got.content["predictions"][0]["text"] == text


def test_nan_and_infinity(client):
    """api_rest.md, "JSON conformance"."""
    numbers = "NaN, -NaN, Inf, -Inf, Infinity, -Infinity, 2"
    got = client.post("half_plus_two:predict", f'{{"instances": [{numbers}]}}')
    assert got.status == 200
    *undefined, one, two, three, four, number = got.content["predictions"]
    assert [math.isnan(each) for each in undefined] == [True, True]
    assert [one, two, three, four, number] == [math.inf, -math.inf] * 2 + [3.0]
    assert "NaN" in got.text
    assert "-Infinity" in got.text


def test_numbers_are_written_as_decimals_of_float(client):
    """json_tensor_test.cc FromJsonSingleFloatTensorSixDigitPrecision; y = x / 2 + 2."""
    x = [17999996.0, 1999994.0, -3.0, 1111111.0, 2.0]
    got = client.post("half_plus_two:predict", {"inputs": x})
    assert got.status == 200
    texts = json.loads(got.text, parse_float=str, parse_int=str)["outputs"]
    assert texts == ["9e+06", "999999.0", "0.5", "555557.5", "3.0"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("versions", 4.0),
        ("versions/versions/1", 3.0),
        ("versions/versions/2", 4.0),
        ("versions/versions/0002", 4.0),
        ("versions/labels/stable", 3.0),
        ("versions/labels/canary", 4.0),
    ],
)
def test_a_version_is_chosen_by_number_or_label(client, labelled, path, expected):
    """api_rest.md, "Predict API", "URL"; serving_config.md, "Assigning String Labels"."""
    got = client.post(f"{path}:predict", {"instances": [2.0]})
    assert got.content == {"predictions": [expected]}


def test_the_path_is_read_as_a_url(client):
    """http_rest_api_util.cc: the pattern ignores case, and names are unescaped."""
    body = json.dumps({"instances": [2.0]})
    for path in ("/V1/MODELS/half_plus_two:PREDICT", "/v1/models/half%5Fplus%5Ftwo:predict"):
        got = client.request("POST", path, content=body)
        # The method is looked up as it is written.
        assert got.status == (200 if "%" in path else 400)


def test_a_body_may_come_in_pieces(client):
    """libevent's HTTP server takes chunked bodies; http_server.cc reads all of them."""
    pieces = (piece.encode() for piece in ('{"inst', 'ances": ', "[2.0]}"))
    got = client.request("POST", "/v1/models/half_plus_two:predict", content=pieces)
    assert got.content == {"predictions": [3.0]}


def test_of_a_key_twice_the_first_counts(client):
    """RapidJSON keeps both, and json_tensor.cc takes the first that it finds."""
    got = client.post("half_plus_two:predict", '{"instances": [2.0], "instances": [4.0]}')
    assert got.content == {"predictions": [3.0]}


def test_a_body_may_be_packed(client):
    """evhttp_request.cc NeedUncompressGzipContent."""
    body = gzip.compress(b'{"instances": [2.0]}')
    headers = {"Content-Encoding": "gzip"}
    got = client.post("half_plus_two:predict", body, headers=headers)
    assert got.content == {"predictions": [3.0]}
