"""Documents read as tensors and examples. Most cases are those of json_tensor_test.cc."""

import pytest
from google.protobuf import text_format
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow_serving.apis import input_pb2

from serving.server.api.json_document import parse
from serving.server.api.rest_request import fill_examples, predict_inputs
from serving.server.errors import ServingError


def infos(**types: str) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(dtype=types_pb2.DataType.Value(f"DT_{kind.upper()}"))
        for name, kind in types.items()
    }


def refusal(text: str, **types: str) -> str:
    with pytest.raises(ServingError) as caught:
        predict_inputs(parse(text.encode()), infos(**types))
    return f"{caught.value.code.name}: {caught.value.message}"


@pytest.mark.parametrize(
    ("types", "text", "message"),
    [
        ({}, "{}", "Failed to get input map for signature: DEFAULT"),
        (
            {"x": "int32"},
            '{"instances": [1], "inputs": [1]}',
            'JSON Value: {\n    "instances": [\n        1\n    ],\n    "inputs": [\n        1\n'
            "    ]\n} Not formatted correctly expecting only one of 'inputs' or 'instances' keys "
            "to exist ",
        ),
        (
            {"x": "int32"},
            '{"instances": [[1,2],[3,4],[5,6,7]]}',
            "INVALID_ARGUMENT: Failed to process element: 2 of 'instances' list. Error: "
            "INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3",
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
    ],
)
def test_messages_of_refusals(types, text, message):
    """The contract tests show what else is refused."""
    assert message in refusal(text, **types)


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
