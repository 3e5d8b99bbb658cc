"""The parser, against RapidJSON's words and offsets, and values of each type."""

import math

import numpy as np
import pytest
from tensorflow.core.framework import types_pb2

from serving.server.api.json_document import encode, parse, tensor
from serving.server.errors import ServingError


def read(text: str, kind: str) -> np.ndarray:
    dtype = types_pb2.DataType.Value(f"DT_{kind.upper()}")
    return tensor(parse(f'{{"x": {text}}}'.encode())["x"], dtype, "x")


def refusal(body: bytes) -> str:
    with pytest.raises(ServingError) as caught:
        parse(body)
    assert caught.value.code.name == "INVALID_ARGUMENT"
    return caught.value.message


NUMPY = {"float": "float32", "string": "object"}


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
def test_values_of_each_type(kind, text, values):
    found = read(text, kind)
    assert found.dtype == NUMPY.get(kind, kind)
    np.testing.assert_array_equal(found, np.array(values, found.dtype))


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
        ('{"a": "\t"}', "Invalid escape character in string. at offset: 7"),
        ('{"instances": [5.]}', "Miss fraction part in number. at offset: 17"),
        (b'["\xff\xff", nul]', "Invalid value. at offset: 10"),
        ('{"a": 1e999}', "Number too big to be stored in double. at offset: 6"),
        (f'{{"a": {"1" * 5000}}}', "Number too big to be stored in double. at offset: 6"),
        ("[" * 100_000, "The document is nested too deeply"),
    ],
)
def test_invalid_json_is_refused_with_reason_and_offset(body, reason):
    body = body.encode() if isinstance(body, str) else body
    assert refusal(body) == f"JSON Parse error: {reason}"


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("float", "[true]", "JSON Value: true Type: True is not of expected type: float"),
        ("int32", "[1.0]", "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        ("uint32", "[-1]", "is not of expected type: uint32"),
        ("bool", "[null]", "JSON Value: null Type: Null is not of expected type: bool"),
        ("half", "[0.50]", "Conversion of JSON Value: 0.5 to type: half"),
        ("string", '[{"b64": "a"}]', "Unable to base64 decode"),
        ("string", '[{"b64": "aGVsbG8=="}]', "Unable to base64 decode"),
        (
            "int32",
            "[[1], 2]",
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        ("int32", "[1, [2]]", "Encountered list at unexpected level: 1 expected < 1"),
        (
            "int32",
            "[[1, 2], [3]]",
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        ("int32", "[" * 40 + "]" * 40, "tensor parsing error: x"),
    ],
)
def test_messages_of_refusals(kind, text, message):
    """The contract tests show what else is refused."""
    with pytest.raises(ServingError) as caught:
        read(text, kind)
    assert message in caught.value.message


def test_an_error_does_not_quote_megabytes():
    assert len(refusal(b'["%s"]' % (b"a" * 10**6))) < 3000
    assert "must be UTF-8" in refusal(b'{"x": "%s"}' % (b"\xff" * 2**20))


def test_of_a_key_twice_the_first_counts():
    assert parse(b'{"a": 1, "b": {"c": 2, "c": 3}, "a": 4}') == {"a": 1, "b": {"c": 2}}
    assert parse(b'{"\xff": 1, "\xff": 2}') == {"\udcff": 1}


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b'{"x": "\xff\xc3"}', b"\xff\xc3"),
        (b'\xef\xbb\xbf{"x": "\xff\xc3\xa9"}', b"\xff\xc3\xa9"),
        # Half of a surrogate pair: the second passes, the first alone does not (see above).
        (b'{"x": "\\udc00 \\\\udc00"}', b"\xed\xb0\x80 \\udc00"),
        (b'{"x": "\\ud83d\\ude00"}', "\U0001f600".encode()),
    ],
)
def test_text_that_is_not_utf_8_passes_unchanged(body, data):
    assert encode(parse(body)["x"]) == data
