"""JSON against tensors and examples. Most cases are those of TF Serving's json_tensor_test.cc."""

import json
import math

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2

from serving.server.api.json_text import decimals, encode, parse
from serving.server.api.rest_answers import (
    classify_json,
    error_json,
    predict_json,
    regress_json,
)
from serving.server.api.rest_examples import fill_examples
from serving.server.api.rest_json import predict_inputs, signature_name
from serving.server.errors import ServingError


def infos(**types: str) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(dtype=types_pb2.DataType.Value(f"DT_{kind.upper()}"))
        for name, kind in types.items()
    }


def read(text: str, **types: str) -> tuple[dict[str, np.ndarray], bool]:
    return predict_inputs(parse(text.encode()), infos(**types))


def refusal(text: str | bytes, **types: str) -> str:
    body = text.encode() if isinstance(text, str) else text
    with pytest.raises(ServingError) as caught:
        predict_inputs(parse(body), infos(**types))
    return f"{caught.value.code.name}: {caught.value.message}"


NUMPY = {
    "float": np.float32,
    "double": np.float64,
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "bool": np.bool_,
    "string": object,
}


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        ("int32", "[[1,2],[3,4],[5,6]]", [[1, 2], [3, 4], [5, 6]]),
        ("float", "[1, 2.0, 3, 5.003, 0.007, 1e3]", [1, 2, 3, 5.003, 0.007, 1000]),
        ("double", "[1.0, 2, 0.662, 9007199254740991]", [1, 2, 0.662, 2**53 - 1]),
        (
            "float",
            "[NaN, Infinity, -Infinity, 16777215]",
            [math.nan, math.inf, -math.inf, 2**24 - 1],
        ),
        # "Floating Point Precision" in the guide: what a float does not hold is rounded.
        ("float", "[1435774380, 16777217, 1e39, -1e39]", [1435774336, 2**24, math.inf, -math.inf]),
        ("double", "[9007199254740993]", [2**53]),
        # Past 64 bits a whole number is a decimal.
        ("float", "[100000000000000000000]", [1e20]),
        ("int8", "[-128, 127]", [-128, 127]),
        ("uint8", "[255, 300]", [255, 44]),
        ("int16", "[-32768]", [-32768]),
        ("int64", "[-9223372036854775808, 9223372036854775807]", [-(2**63), 2**63 - 1]),
        ("uint32", "[0, 4294967295]", [0, 2**32 - 1]),
        ("uint64", "[18446744073709551615]", [2**64 - 1]),
        ("bool", "[true, false]", [True, False]),
        (
            "string",
            '["", "a", "é😀", "\\ud83d\\ude00\\u0000"]',
            [b"", b"a", "é😀".encode(), "😀\0".encode()],
        ),
        (
            "string",
            '[{"b64": "aGVsbG8="}, {"b64": "d29ybGQ"}, {"b64": "/+ 8="}]',
            [b"hello", b"world", b"\xff\xef"],
        ),
        ("string", '[[{"b64": "aGVsbG8="}], ["b64"]]', [[b"hello"], [b"b64"]]),
        ("int32", "[[[]], [[]]]", np.zeros((2, 1, 0))),
    ],
)
def test_values_of_each_type_in_both_formats(kind, text, values):
    expected = np.array(values, dtype=np.int64 if kind == "uint8" else NUMPY[kind]).astype(
        NUMPY[kind]
    )
    for document, by_row in ((f'{{"instances": {text}}}', True), (f'{{"inputs": {text}}}', False)):
        found = read(document, x=kind)
        assert found.by_row == by_row
        assert found.tensors["x"].dtype == NUMPY[kind]
        np.testing.assert_array_equal(found.tensors["x"], expected)


def test_named_inputs_in_both_formats():
    types = {"tag": "string", "signal": "int32", "sensor": "float", "more": "double"}
    rows = read(
        '{"instances": [{"tag": "foo", "signal": [1,2,3], "sensor": [[1, NaN]], "more": [NaN]},'
        ' {"tag": {"b64": "YmFy"}, "signal": [3,4,1], "sensor": [[4, Infinity]], "more": [2.0]}]}',
        **types,
    )
    columns = read(
        '{"inputs": {"tag": ["foo", "bar"], "signal": [[1,2,3],[3,4,1]], "unknown": [],'
        ' "sensor": [[[1, NaN]],[[4, Infinity]]], "more": [[NaN],[2.0]]}}',
        **types,
    )
    assert rows.by_row
    assert not columns.by_row
    expected = {
        "tag": np.array([b"foo", b"bar"], dtype=object),
        "signal": np.array([[1, 2, 3], [3, 4, 1]], dtype=np.int32),
        "sensor": np.array([[[1, np.nan]], [[4, np.inf]]], dtype=np.float32),
        "more": np.array([[np.nan], [2.0]]),
    }
    for found in (rows.tensors, columns.tensors):
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            assert found[name].dtype == values.dtype
            np.testing.assert_array_equal(found[name], values)


def test_one_input_by_its_name_and_scalars():
    np.testing.assert_array_equal(
        read('{"instances": [{"x": [["a"], ["b"]]}]}', x="string").tensors["x"],
        np.array([[[b"a"], [b"b"]]], dtype=object),
    )
    assert read('{"inputs": {"x": 3}}', x="int32").tensors["x"].shape == ()
    assert read('{"inputs": {"b64": "aGVsbG8="}}', x="string").tensors["x"][()] == b"hello"
    assert read('{"inputs": []}', x="string").tensors["x"].shape == (0,)


def test_bytes_that_are_not_utf8_go_through_unchanged():
    found = predict_inputs(parse(b'\xef\xbb\xbf{"inputs": ["\xff\xc3"]}'), infos(x="string"))
    assert found.tensors["x"].tolist() == [b"\xff\xc3"]
    answer = predict_json({"y": found.tensors["x"]}, by_row=True)
    assert b'["\xff\xc3"' in encode(answer)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "The document is empty"),
        (" \n", "The document is empty. at offset: 2"),
        ("instances = [1, 2]", "Invalid value. at offset: 0"),
        ('{"é": [1,]}', "Invalid value. at offset: 10"),
        ('{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        ("{1: 2}", "Missing a name for object member. at offset: 1"),
        ('{"]": 1', "Missing a comma or } after an object member. at offset: 7"),
        ('{"}": [[{}], 2}', "Missing a comma or ] after an array element. at offset: 14"),
        ("{} x", "The document root must not be followed by other values. at offset: 3"),
        ('{"a": "x', "Missing a closing quotation mark in string. at offset: 8"),
        ('{"a": "\\q"}', "Invalid escape character in string. at offset: 7"),
        ('{"a": "\\\\\\ud800 x"}', "The surrogate pair in string is invalid. at offset: 9"),
        ('{"a": "\\udc00"}', "The surrogate pair in string is invalid. at offset: 7"),
        ('{"a": "\t"}', "Invalid encoding in string. at offset: 7"),
        ('{"a": 1e999}', "Number too big to be stored in double. at offset: 6"),
        (f'{{"a": {"1" * 5000}}}', "Number too big to be stored in double. at offset: 6"),
        ("[" * 100_000, "The document is nested too deeply"),
    ],
)
def test_what_is_not_json_is_refused_in_rapidjsons_words(body, reason):
    assert refusal(body, x="int32") == f"INVALID_ARGUMENT: JSON Parse error: {reason}"


@pytest.mark.parametrize(
    ("types", "text", "words"),
    [
        ({"x": "int32"}, "5", "JSON Value: 5 Is not object"),
        ({}, "{}", "Failed to get input map for signature: DEFAULT"),
        ({"x": "int32"}, "{}", "Missing 'inputs' or 'instances' key"),
        (
            {"x": "int32"},
            '{"instances": [1], "inputs": [1]}',
            'JSON Value: {\n    "instances": [\n        1\n    ],\n    "inputs": [\n        1\n'
            "    ]\n} Not formatted correctly expecting only one of 'inputs' or 'instances' keys "
            "to exist ",
        ),
        ({"x": "int32"}, '{"instances": 1}', "Excepting 'instances' to be an list/array"),
        (
            {"x": "int32"},
            '{"instances": []}',
            "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
        ),
        (
            {"x": "float"},
            '{"inputs": ["a"]}',
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
        (
            {"x": "float"},
            '{"inputs": [true]}',
            "JSON Value: true Type: True is not of expected type: float",
        ),
        (
            {"x": "int32"},
            '{"inputs": [1.0]}',
            "JSON Value: 1.0 Type: Number is not of expected type: int32",
        ),
        (
            {"x": "int32"},
            '{"inputs": [2147483648]}',
            "JSON Value: 2147483648 Type: Number is not of expected type: int32",
        ),
        ({"x": "int64"}, '{"inputs": [9223372036854775808]}', "is not of expected type: int64"),
        ({"x": "uint32"}, '{"inputs": [-1]}', "is not of expected type: uint32"),
        (
            {"x": "bool"},
            '{"inputs": [null]}',
            "JSON Value: null Type: Null is not of expected type: bool",
        ),
        (
            {"x": "bool"},
            '{"inputs": [1]}',
            "JSON Value: 1 Type: Number is not of expected type: bool",
        ),
        (
            {"x": "string"},
            '{"inputs": [1]}',
            "JSON Value: 1 Type: Number is not of expected type: string",
        ),
        (
            {"x": "int32"},
            '{"inputs": [[{"b64": "AA=="}]]}',
            "Type: Object is not of expected type: int32",
        ),
        (
            {"x": "half"},
            '{"inputs": [0.50]}',
            "UNIMPLEMENTED: Conversion of JSON Value: 0.5 to type: half",
        ),
        ({"x": "string"}, '{"inputs": [{"b64": "a"}]}', "Unable to base64 decode"),
        ({"x": "string"}, '{"inputs": [{"b64": "aGVsbG8=="}]}', "Unable to base64 decode"),
        ({"x": "string"}, '{"inputs": [{"b64": "*$"}]}', "Unable to base64 decode"),
        ({"x": "string"}, '{"inputs": [{"b64": 1}]}', "not formatted correctly for base64 data"),
        (
            {"x": "int32"},
            '{"inputs": [[1], 2]}',
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        (
            {"x": "int32"},
            '{"inputs": [1, [2]]}',
            "Encountered list at unexpected level: 1 expected < 1",
        ),
        (
            {"x": "int32"},
            '{"inputs": [[1, 2], [3]]}',
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        (
            {"x": "int32"},
            f'{{"inputs": {"[" * 40 + "]" * 40}}}',
            "a tensor has 32 dimensions at most",
        ),
        (
            {"a": "int32", "b": "int32"},
            '{"inputs": [1]}',
            "inputs is a plain value/list, but expecting an object",
        ),
        (
            {"a": "int32", "b": "int32"},
            '{"inputs": {"a": 1}}',
            "Missing named input: b in 'inputs' object.",
        ),
        (
            {"a": "int32", "b": "int32"},
            '{"instances": [1]}',
            "instances is a plain list, but expecting list of objects",
        ),
        (
            {"x": "int32"},
            '{"instances": [[1,2],[3,4],[5,6,7]]}',
            "INVALID_ARGUMENT: Failed to process element: 2 of 'instances' list. Error: "
            "INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3",
        ),
        (
            {"x": "int32"},
            '{"instances": [[1,2],[3,4],[[5,6]]]}',
            "Expecting shape [2] but got: [1,2]",
        ),
        ({"x": "int32"}, '{"instances": [1, [1]]}', "Expecting shape [] but got: [1]"),
        (
            {"x": "int32"},
            '{"instances": [[1,2],["a","b"]]}',
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "a"',
        ),
        (
            {"a": "int32", "s": "string"},
            '{"instances": [{"a": [1], "s": ""}, {"a": [1, 2], "s": ""}]}',
            "Failed to process element: 1 key: a of 'instances' list. Error: "
            "INVALID_ARGUMENT: Expecting tensor size: 1 but got: 2",
        ),
        (
            {"a": "int32"},
            '{"instances": [{"a": 1, "z": 2}]}',
            "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: z",
        ),
        (
            {"b": "int32", "a": "int32"},
            '{"instances": [{"a": 1}]}',
            'JSON object: {\n    "a": 1\n} keys must be equal to: a,b',
        ),
        (
            {"a": "int32"},
            '{"instances": [{"a": 1}, [1]]}',
            "Expecting object but got list at item 1 of input list",
        ),
        (
            {"s": "string"},
            '{"instances": ["a", {"s": "b"}]}',
            "Expecting value/list but got object at item 1 of input list",
        ),
    ],
)
def test_what_does_not_fit_the_signature_is_refused(types, text, words):
    assert words in refusal(text, **types)


def test_an_error_does_not_quote_megabytes():
    assert len(refusal(f'{{"instances": 1, "x": "{"a" * 10**6}"}}', x="int32")) < 3000


def test_signature_name():
    assert signature_name({}) == ""
    assert signature_name({"signature_name": "a"}) == "a"
    with pytest.raises(ServingError, match="'signature_name' key must be a string value"):
        signature_name({"signature_name": 5})


EXAMPLES = """{
  "signature_name": "custom", %s "examples": [
    {"names": ["foo", "bar"], "ratings": [8.0, 9.0, NaN, Infinity], "age": 20},
    {"names": ["baz", {"b64": "aGVsbG8="}], "ratings": [6.0, 1e39], "mix": [1, true, false],
     "none": []}
  ]}"""
EXPECTED_EXAMPLES = """
  examples { features {
    feature { key: "names" value { bytes_list { value: "foo" value: "bar" } } }
    feature { key: "ratings"
              value { float_list { value: 8 value: 9 value: nan value: inf } } }
    feature { key: "age" value { int64_list { value: 20 } } } } }
  examples { features {
    feature { key: "names" value { bytes_list { value: "baz" value: "hello" } } }
    feature { key: "ratings" value { float_list { value: 6 value: inf } } }
    feature { key: "mix" value { int64_list { value: 1 value: 1 value: 0 } } }
    feature { key: "none" value {} } } }"""


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("", "example_list { %s }"),
        (
            '"context": {"query": "pizza", "location": ["sfo"]},',
            """example_list_with_context { %s context { features {
              feature { key: "query" value { bytes_list { value: "pizza" } } }
              feature { key: "location" value { bytes_list { value: "sfo" } } } } } }""",
        ),
    ],
)
def test_examples(context, expected):
    found = input_pb2.Input()
    fill_examples(parse((EXAMPLES % context).encode()), found)
    wanted = text_format.Parse(expected % EXPECTED_EXAMPLES, input_pb2.Input())
    # As text, for NaN is not equal to itself.
    assert str(found) == str(wanted)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "When method is classify, key 'examples' is expected and was not found"),
        ('{"examples": {"a": 1}}', "Expecting 'examples' value to be an list/array"),
        ('{"examples": []}', "'examples' value is an empty array"),
        ('{"examples": [[]]}', "Example must be JSON object but got JSON Array"),
        ('{"context": null, "examples": [{}]}', "Example must be JSON object but got JSON Null"),
        (
            '{"examples": [{"n": [10, null]}]}',
            "Feature: n has element with unexpected JSON type: Null",
        ),
        (
            '{"examples": [{"n": [[10]]}]}',
            "Feature: n has element with unexpected JSON type: Array",
        ),
        (
            '{"examples": [{"n": {"t": 1}}]}',
            "Feature: n has element with unexpected JSON type: Object",
        ),
        (
            '{"examples": [{"n": [10, 10.0]}]}',
            "Unexpected element type in feature: n expecting type: int64",
        ),
        (
            '{"examples": [{"n": ["a", 1]}]}',
            "Unexpected element type in feature: n expecting type: bytes",
        ),
        (
            '{"examples": [{"n": 9223372036854775808}]}',
            "Feature: n has uint64 element. Only int64 is supported.",
        ),
        ('{"examples": [{"n": 1.8e308}]}', "Number too big"),
        ('{"examples": [{"n": {"b64": "?"}}]}', "Unable to base64 decode"),
    ],
)
def test_what_makes_no_examples_is_refused(text, words):
    with pytest.raises(ServingError) as caught:
        fill_examples(parse(text.encode()), input_pb2.Input())
    assert words in caught.value.message
    assert caught.value.code.name == "INVALID_ARGUMENT"


def test_decimals_have_six_digits_or_come_back_exactly():
    six = np.array([9000000, 999999, 0.5, 0.0003, 0.00003, 555557.5, -0.0, 1e-45], np.float32)
    assert decimals(six) == [
        "9e+06",
        "999999.0",
        "0.5",
        "0.0003",
        "3e-05",
        "555557.5",
        "-0.0",
        "1.4013e-45",
    ]
    assert decimals(np.array([1 / 3, 16777216], np.float32)) == ["0.333333343", "16777216.0"]
    assert decimals(np.array([np.nan, np.inf, -np.inf, 0.1])) == [
        "NaN",
        "Infinity",
        "-Infinity",
        "0.1",
    ]
    assert decimals(np.zeros(0)) == []
    random = np.random.default_rng(0)
    for dtype, bits in ((np.float32, np.uint32), (np.float64, np.uint64)):
        values = random.integers(0, np.iinfo(bits).max, 5000, dtype=bits).view(dtype)
        values = values[np.isfinite(values)]
        texts = decimals(values)
        np.testing.assert_array_equal(
            np.array([float(text) for text in texts]).astype(dtype), values
        )
        assert all("." in text or "e" in text for text in texts)


TENSORS = {
    "double_scalar": np.array([8.0, 9.0]),
    "floats": np.array([[1.0], [2.0]], np.float32),
    "ints": np.arange(12, dtype=np.int32).reshape(2, 3, 2),
    "flags": np.array([True, False]),
    "texts": np.array([[b"foo", b'"\\\n'], [b"", "é😀".encode()]], object),
    "texts_bytes": np.array([[b"hello", b"world"], [b"tf", b"serving"]], object),
}
B64 = [
    [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}],
    [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}],
]


def test_several_outputs_by_row_and_by_column():
    lists = {name: values.tolist() for name, values in TENSORS.items()}
    lists["texts"] = [["foo", '"\\\n'], ["", "é😀"]]
    lists["texts_bytes"] = B64
    rows = [{name: values[row] for name, values in lists.items()} for row in range(2)]
    assert json.loads(predict_json(TENSORS, by_row=True)) == {"predictions": rows}
    assert json.loads(predict_json(TENSORS, by_row=False)) == {"outputs": lists}


def test_one_output_goes_without_its_name():
    for name in ("ints", "double_scalar"):
        tensor = TENSORS[name]
        assert json.loads(predict_json({name: tensor}, by_row=True)) == {
            "predictions": tensor.tolist()
        }
        assert json.loads(predict_json({name: tensor}, by_row=False)) == {
            "outputs": tensor.tolist()
        }
    assert json.loads(predict_json({"y": np.array(3)}, by_row=False)) == {"outputs": 3}


def test_an_empty_batch_has_no_predictions():
    empty = {"a": np.zeros((0, 1, 2), object), "b": np.zeros((0, 3), np.float32)}
    assert json.loads(predict_json(empty, by_row=True)) == {"predictions": []}
    assert json.loads(predict_json({"b": empty["b"]}, by_row=True)) == {"predictions": []}
    assert json.loads(predict_json({"b": np.zeros((2, 0))}, by_row=True)) == {
        "predictions": [[], []]
    }
    assert json.loads(predict_json({"b": np.zeros((2, 0))}, by_row=False)) == {"outputs": [[], []]}


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": np.zeros(2, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
        ({"y": np.array(1)}, "Tensor name: y has no shape information "),
        (
            {"a": np.zeros((0, 2)), "b": np.zeros((1, 2))},
            "Tensor name: b has inconsistent batch size: 1 expecting: 0",
        ),
    ],
)
def test_outputs_that_have_no_json(outputs, words):
    with pytest.raises(ServingError) as caught:
        predict_json(outputs, by_row=True)
    assert caught.value.message == words


def test_the_text_looks_like_tf_servings():
    """White space as RapidJSON's PrettyWriter with SetFormatOptions of json_tensor.cc."""
    assert predict_json({"y": np.array([2.5, 3])}, by_row=True) == (
        '{\n    "predictions": [2.5, 3.0\n    ]\n}'
    )
    two = {"a": np.array([[1, 2]]), "b": np.array([True])}
    assert predict_json(two, by_row=True) == (
        '{\n    "predictions": [\n        {\n            "a": [1, 2],\n            "b": true\n'
        "        }\n    ]\n}"
    )
    assert predict_json(two, by_row=False) == (
        '{\n    "outputs": {\n        "a": [\n            [\n                1,\n'
        '                2\n            ]\n        ],\n        "b": [\n            true\n'
        "        ]\n    }\n}"
    )
    assert error_json('Bad key: "key"') == '{\n    "error": "Bad key: \\"key\\""\n}'


def test_classifications_and_regressions():
    result = classification_pb2.ClassificationResult()
    for scores in ((0.2, 0.7), (0.7, math.nan)):
        classes = result.classifications.add().classes
        for label, score in zip(("car", ""), scores, strict=True):
            classes.add(label=label, score=score)
    assert classify_json(result) == (
        '{\n    "results": [[["car", 0.2], ["", 0.7]], [["car", 0.7], ["", NaN]]\n    ]\n}'
    )
    values = regression_pb2.RegressionResult()
    for value in (0.2, math.inf, 1, -math.inf, math.nan):
        values.regressions.add(value=value)
    assert regress_json(values) == '{\n    "results": [0.2, Infinity, 1.0, -Infinity, NaN]\n}'
    with pytest.raises(ServingError, match="empty ClassificationResults"):
        classify_json(classification_pb2.ClassificationResult())
    with pytest.raises(ServingError, match="empty RegressionResults"):
        regress_json(regression_pb2.RegressionResult())
