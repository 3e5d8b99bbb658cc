"""The answers of the REST API: what models computed and what servers know, as JSON text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from numpy.typing import NDArray
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    regression_pb2,
)

from serving.server.api.json_text import array, decimals, decode, nested, obj, quote
from serving.server.errors import internal, invalid_argument

_BYTES_SUFFIX: Final = "_bytes"
_SIGNATURE_DEF: Final = "signature_def"


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
        return obj([("predictions", _rows(outputs))], 0)
    depth = 1 if len(outputs) == 1 else 2
    columns = [
        (name, nested(_values(name, tensor), tensor.shape, depth))
        for name, tensor in outputs.items()
    ]
    return obj([("outputs", columns[0][1] if len(columns) == 1 else obj(columns, 1))], 0)


def classify_json(result: classification_pb2.ClassificationResult) -> str:
    """Returns the answer to a Classify request: for each example its [label, score] pairs."""
    if not result.classifications:
        raise invalid_argument("Cannot convert empty ClassificationResults to JSON")
    examples = [classifications.classes for classifications in result.classifications]
    scores = iter(_floats(choice.score for choice in chain.from_iterable(examples)))
    pairs = [
        array([array((quote(choice.label), next(scores)), None) for choice in choices], None)
        for choices in examples
    ]
    return obj([("results", _one_line(pairs))], 0)


def regress_json(result: regression_pb2.RegressionResult) -> str:
    """Returns the answer to a Regress request: for each example its value."""
    if not result.regressions:
        raise invalid_argument("Cannot convert empty RegressionResults to JSON")
    values = _floats(regression.value for regression in result.regressions)
    return obj([("results", array(values, None))], 0)


def status_json(response: get_model_status_pb2.GetModelStatusResponse) -> str:
    """Returns the states of a model's versions, see "Model status API" in the guide."""
    return _message_json(response)


def metadata_json(response: get_model_metadata_pb2.GetModelMetadataResponse) -> str:
    """Returns a model's name, version and signatures, see "Model Metadata API" in the guide.

    As `ToJsonString` in model_servers/http_rest_api_util.cc: the signatures stand under
    `metadata.signature_def.signature_def`.
    """
    signatures = get_model_metadata_pb2.SignatureDefMap()
    if not response.metadata[_SIGNATURE_DEF].Unpack(signatures):
        raise internal("Failed to unpack 'Any' object to 'SignatureDefMap'.")
    return (
        f'{{\n"model_spec":{_message_json(response.model_spec)},\n'
        f'"metadata": {{"signature_def": {_message_json(signatures)}}}\n}}\n'
    )


def error_json(message: str) -> str:
    """Returns an error, as `MakeJsonFromStatus` writes it."""
    return obj([("error", quote(message))], 0)


def _message_json(message: Message) -> str:
    text: str = MessageToJson(
        message, including_default_value_fields=True, preserving_proto_field_name=True, indent=1
    )
    return text


def _rows(outputs: Mapping[str, NDArray[Any]]) -> str:
    size = _batch_size(outputs)
    columns = {}
    for name, tensor in outputs.items():
        values, shape = _values(name, tensor), tensor.shape[1:]
        width = int(np.prod(shape))
        columns[name] = [
            nested(values[row * width : (row + 1) * width], shape, None) for row in range(size)
        ]
    if len(columns) == 1:
        return _one_line(next(iter(columns.values())))
    rows = zip(*columns.values(), strict=True)
    return array([obj(zip(columns, row, strict=True), 2) for row in rows], 1)


def _batch_size(outputs: Mapping[str, NDArray[Any]]) -> int:
    size = -1
    for name, tensor in outputs.items():
        if not tensor.shape:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        if size not in (-1, len(tensor)):
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {len(tensor)} expecting: {size}"
            )
        size = len(tensor)
    return size


def _values(name: str, tensor: NDArray[Any]) -> list[str]:
    """Returns the elements of an output as JSON texts, in row-major order."""
    flat = tensor.ravel()
    if tensor.dtype.kind in "OSU":
        data = [v.encode() if isinstance(v, str) else v for v in flat.tolist()]
        if name.endswith(_BYTES_SUFFIX):
            return [f'{{ "b64": "{base64.b64encode(value).decode()}" }}' for value in data]
        return [quote(decode(value)) for value in data]
    if tensor.dtype.kind == "b":
        return ["true" if value else "false" for value in flat.tolist()]
    if tensor.dtype.kind in "iu":
        return list(map(str, flat.tolist()))
    if tensor.dtype in (np.float16, np.float32, np.float64):
        return decimals(flat)
    raise invalid_argument(f"Failed to write JSON value for tensor type: {tensor.dtype}")


def _floats(values: Iterable[float]) -> list[str]:
    return decimals(np.fromiter(values, dtype=np.float32))


def _one_line(items: Sequence[str]) -> str:
    """Returns the array of results: on one line, but for its end, as TF Serving writes it."""
    return f"[{', '.join(items)}\n    ]" if items else "[]"
