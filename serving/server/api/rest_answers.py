"""The answers of the REST API: what models computed and what servers know, as JSON text."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from inspect import signature
from itertools import chain
from json.encoder import encode_basestring as _quote
from typing import Any, Final

import numpy as np
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from numpy.typing import NDArray
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, regression_pb2

from serving.server.errors import invalid_argument

# protobuf 5 renamed the option.
_ALL_FIELDS: Final = dict.fromkeys(
    {"including_default_value_fields", "always_print_fields_with_no_presence"}
    & signature(MessageToJson).parameters.keys(),
    True,
)
_SPECIAL: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def predict_json(outputs: Mapping[str, NDArray[Any]], *, by_row: bool) -> str:
    """Returns the answer to a Predict request, as `MakeJsonFromTensors` writes it.

    See "Response format" of the Predict API in the guide to the REST API: a single output goes
    without its name, and strings of an output whose name ends in `_bytes` are base64.

    Raises:
        ServingError: By row, and an output has no batch dimension or another batch size; or an
            output of a type that has no place in JSON.
    """
    if not outputs:
        raise invalid_argument("Cannot convert empty tensor map to JSON")
    if by_row:
        return _object([("predictions", _rows(outputs))], 0)
    depth = 1 if len(outputs) == 1 else 2
    columns = [
        (name, _nested(json_values(tensor, name), tensor.shape, depth))
        for name, tensor in outputs.items()
    ]
    return _object([("outputs", columns[0][1] if len(columns) == 1 else _object(columns, 1))], 0)


def classify_json(result: classification_pb2.ClassificationResult) -> str:
    """Returns the answer to a Classify request: for each example its [label, score] pairs."""
    if not result.classifications:
        raise invalid_argument("Cannot convert empty ClassificationResults to JSON")
    examples = [classifications.classes for classifications in result.classifications]
    scores = iter(_floats(choice.score for choice in chain.from_iterable(examples)))
    pairs = [
        _array([_array((_quote(choice.label), next(scores)), None) for choice in choices], None)
        for choices in examples
    ]
    return _object([("results", _one_line(pairs))], 0)


def regress_json(result: regression_pb2.RegressionResult) -> str:
    """Returns the answer to a Regress request: for each example its value."""
    if not result.regressions:
        raise invalid_argument("Cannot convert empty RegressionResults to JSON")
    values = _floats(regression.value for regression in result.regressions)
    return _object([("results", _array(values, None))], 0)


def metadata_json(response: get_model_metadata_pb2.GetModelMetadataResponse) -> str:
    """Returns a model's name, version and signatures, see "Model Metadata API" in the guide.

    As `ToJsonString` in model_servers/http_rest_api_util.cc: the signatures stand under
    `metadata.signature_def.signature_def`.
    """
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    return (
        f'{{\n"model_spec":{message_json(response.model_spec)},\n'
        f'"metadata": {{"signature_def": {message_json(signatures)}}}\n}}\n'
    )


def error_json(message: str) -> str:
    """Returns an error, as `MakeJsonFromStatus` writes it; nothing where there is no message."""
    if not message:
        return ""
    return _object([("error", _quote(message))], 0)


def message_json(message: Message) -> str:
    """Returns a message with all of its fields, such as the states of a model's versions."""
    text = MessageToJson(message, preserving_proto_field_name=True, indent=1, **_ALL_FIELDS)
    return f"{text}\n"


def error_page(status: int) -> str:
    """Returns the page of libevent for what is not a request to the API."""
    phrase = HTTPStatus(status).phrase
    return (
        f"<HTML><HEAD>\n<TITLE>{status} {phrase}</TITLE>\n</HEAD><BODY>\n<H1>{phrase}</H1>\n"
        "</BODY></HTML>\n"
    )


def _rows(outputs: Mapping[str, NDArray[Any]]) -> str:
    size = -1
    for name, tensor in outputs.items():
        if not tensor.shape:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        if size not in (-1, len(tensor)):
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {len(tensor)} expecting: {size}"
            )
        size = len(tensor)
    columns = {}
    for name, tensor in outputs.items():
        values, shape = json_values(tensor, name), tensor.shape[1:]
        width = int(np.prod(shape))
        columns[name] = [
            _nested(values[row * width : (row + 1) * width], shape, None) for row in range(size)
        ]
    if len(columns) == 1:
        return _one_line(next(iter(columns.values())))
    rows = zip(*columns.values(), strict=True)
    return _array([_object(zip(columns, row, strict=True), 2) for row in rows], 1)


def json_values(tensor: NDArray[Any], name: str = "") -> list[str]:
    """Returns the elements of an output as JSON texts, in row-major order.

    Floats are written as `WriteDecimal` in util/json_tensor.cc does it: with six digits where they
    are enough for the same number, else with as many as the type needs (9 for float32, 17 for
    float64), and always with a `.0` or an exponent.

    Args:
        tensor: The output.
        name: Its name; strings are base64 where it ends in `_bytes`.

    Raises:
        ServingError: Its type has no place in JSON.
    """
    values = tensor.ravel()
    items = values.tolist()
    if tensor.dtype.hasobject:
        if name.endswith("_bytes"):
            return [f'{{ "b64": "{base64.b64encode(item).decode()}" }}' for item in items]
        # RapidJSON does not check the encoding of a string.
        return [_quote(item.decode("utf-8", "surrogateescape")) for item in items]
    if tensor.dtype.kind == "b":
        return ["true" if item else "false" for item in items]
    if tensor.dtype.kind in "iu":
        return list(map(str, items))
    if tensor.dtype not in (np.float16, np.float32, np.float64):
        raise invalid_argument(f"Failed to write JSON value for tensor type: {tensor.dtype}")
    digits = 17 if tensor.dtype == np.float64 else 9
    texts = [f"{item:.6g}" for item in items]
    same = np.array(texts, dtype="S").astype(tensor.dtype) == values if texts else ()
    texts = [
        text if is_same else f"{item:.{digits}g}"
        for text, is_same, item in zip(texts, same, items, strict=True)
    ]
    return [
        text if "." in text or "e" in text else _SPECIAL.get(text, f"{text}.0") for text in texts
    ]


def _floats(values: Iterable[float]) -> list[str]:
    return json_values(np.fromiter(values, dtype=np.float32))


def _one_line(items: Sequence[str]) -> str:
    """Returns the array of results: on one line, but for its end, as TF Serving writes it."""
    return f"[{', '.join(items)}\n    ]" if items else "[]"


def _array(items: Iterable[str], depth: int | None) -> str:
    """Returns a JSON array at a depth with an element a line; without one all on one line."""
    if depth is None:
        return f"[{', '.join(items)}]"
    return _block("[", items, "]", depth)


def _object(members: Iterable[tuple[str, str]], depth: int) -> str:
    """Returns a JSON object of names and texts of values, with a member a line."""
    return _block("{", (f"{_quote(name)}: {value}" for name, value in members), "}", depth)


def _nested(items: Sequence[str], shape: Sequence[int], depth: int | None) -> str:
    """Returns the elements of a tensor as nested arrays; a scalar as itself."""
    if not shape:
        return items[0]
    texts = list(items)
    for axis in range(len(shape) - 1, -1, -1):
        size, level = shape[axis], None if depth is None else depth + axis
        texts = [
            _array(texts[row * size : (row + 1) * size], level)
            for row in range(math.prod(shape[:axis]))
        ]
    return texts[0]


def _block(start: str, items: Iterable[str], end: str, depth: int) -> str:
    indent = "    " * (depth + 1)
    text = f",\n{indent}".join(items)
    return f"{start}\n{indent}{text}\n{indent[4:]}{end}" if text else start + end
