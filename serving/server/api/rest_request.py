"""What the document of a REST request says: tensors for Predict, examples for the others."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.example.feature_pb2 import Feature
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow_serving.apis import input_pb2

from serving.server.api.json_document import (
    encode,
    format_error,
    from_base64,
    is_object,
    kind,
    show,
    tensor,
)
from serving.server.errors import ServingError, invalid_argument
from serving.server.model.tensors import show_shape

_ROWS: Final = "instances"
_COLUMNS: Final = "inputs"
_EXAMPLES: Final = "examples"
_CONTEXT: Final = "context"


def unpack(body: bytearray, most_bytes: int) -> bytes:
    """Returns the content of a body in gzip; nothing of one that is not, as TF Serving.

    Raises:
        HTTPException: It is larger than `most_bytes`.

    Source: ReadRequestGzipBytes in util/net_http/server/internal/evhttp_request.cc.
    """
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(body, most_bytes + 1)
    except zlib.error:
        return b""
    if len(content) > most_bytes:
        raise too_large(most_bytes)
    return content if unpacker.eof else b""


def too_large(most_bytes: int) -> HTTPException:
    """Returns the error of a body over the limit, which TF Serving lacks."""
    return HTTPException(
        413,
        f"The request is larger than {most_bytes} bytes, as sent or unpacked. Send it in parts, "
        "or raise --rest_api_max_body_bytes.",
    )


def predict_inputs(
    document: Mapping[str, Any], inputs: Mapping[str, TensorInfo]
) -> tuple[dict[str, NDArray[Any]], bool]:
    """Returns the tensors of a Predict request in the row or the column format.

    As `FillPredictRequestFromJson` in util/json_tensor.cc, see "Request format" of the Predict
    API in the guide to the REST API.

    Args:
        document: The request.
        inputs: The inputs of the signature by name.

    Returns:
        Arrays by the name of the input, strings as bytes in an array of objects; and whether they
        came as `instances` and the outputs are to go back so.

    Raises:
        ServingError: The document does not fit the signature.
    """
    if not inputs:
        name = document.get("signature_name") or "DEFAULT"
        raise invalid_argument(f"Failed to get input map for signature: {name}")
    if _ROWS in document:
        rows = document[_ROWS]
        if _COLUMNS in document:
            raise format_error(
                document,
                f"Not formatted correctly expecting only one of '{_COLUMNS}' or '{_ROWS}' "
                "keys to exist ",
            )
        if not isinstance(rows, list):
            raise format_error(document, f"Expecting '{_ROWS}' to be an list/array")
        if not rows:
            raise format_error(document, f"No values in '{_ROWS}' array")
        return _tensors_of_rows(rows, inputs), True
    if _COLUMNS in document:
        return _tensors_of_columns(document[_COLUMNS], inputs), False
    raise invalid_argument(f"Missing '{_COLUMNS}' or '{_ROWS}' key")


def fill_examples(document: Mapping[str, Any], request: input_pb2.Input) -> None:
    """Fills the input of a Classify or Regress request with the examples of a document.

    As `FillClassifyRegressRequestFromJson` in util/json_tensor.cc: a whole number makes an int64
    feature, a decimal a float one, a string or a b64 object a bytes one.

    Raises:
        ServingError: The document has no examples, or a feature mixes types.
    """
    if _CONTEXT in document:
        _fill_example(document[_CONTEXT], request.example_list_with_context.context)
        examples = request.example_list_with_context.examples
    else:
        examples = request.example_list.examples
    if _EXAMPLES not in document:
        raise format_error(
            document, f"When method is classify, key '{_EXAMPLES}' is expected and was not found"
        )
    values = document[_EXAMPLES]
    if not isinstance(values, list):
        raise format_error(document, f"Expecting '{_EXAMPLES}' value to be an list/array")
    if not values:
        raise format_error(document, f"'{_EXAMPLES}' value is an empty array")
    for value in values:
        _fill_example(value, examples.add())


def _tensors_of_rows(
    rows: Sequence[Any], inputs: Mapping[str, TensorInfo]
) -> dict[str, NDArray[Any]]:
    if not isinstance(rows[0], dict) and len(inputs) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    by_name = isinstance(rows[0], dict) and is_object(rows[0])
    for number, row in enumerate(rows):
        if (isinstance(row, dict) and is_object(row)) != by_name:
            expected = "object but got list" if by_name else "value/list but got object"
            raise invalid_argument(f"Expecting {expected} at item {number} of input list")
        if by_name and row.keys() != inputs.keys():
            raise _wrong_keys(number, row, inputs)
    tensors = {}
    for name, info in inputs.items():
        column = [row[name] for row in rows] if by_name else rows
        try:
            tensors[name] = tensor(column, info.dtype, name)
        except ServingError:
            _check_each(column, info.dtype, name, f" key: {name}" if by_name else "")
            raise
    return tensors


def _wrong_keys(
    number: int, row: Mapping[str, Any], inputs: Mapping[str, TensorInfo]
) -> ServingError:
    for name in row:
        if name not in inputs:
            error = invalid_argument(f"JSON object: does not have named input: {name}")
            return _element_error(number, f" key: {name}", error)
    return invalid_argument(
        f"Failed to process element: {number} of 'instances' list. JSON object: {show(row)} "
        f"keys must be equal to: {','.join(sorted(inputs))}"
    )


def _check_each(values: Sequence[Any], dtype: int, name: str, key: str) -> None:
    """Raises the error of the first row that is not a tensor, or not of the first one's shape."""
    first: NDArray[Any] | None = None
    for number, value in enumerate(values):
        try:
            found = tensor(value, dtype, name)
            first = found if first is None else first
            if found.size != first.size:
                raise invalid_argument(f"Expecting tensor size: {first.size} but got: {found.size}")
            if found.shape != first.shape:
                raise invalid_argument(
                    f"Expecting shape {show_shape(first)} but got: {show_shape(found)}"
                )
        except ServingError as error:
            raise _element_error(number, key, error) from None


def _tensors_of_columns(value: Any, inputs: Mapping[str, TensorInfo]) -> dict[str, NDArray[Any]]:
    if not is_object(value):
        if len(inputs) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        value = {next(iter(inputs)): value}
    for name in inputs:
        if name not in value:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    return {name: tensor(value[name], info.dtype, name) for name, info in inputs.items()}


def _fill_example(value: Any, example: Example) -> None:
    if not isinstance(value, dict):
        raise invalid_argument(f"Example must be JSON object but got JSON {kind(value)}")
    for name, content in value.items():
        values = content if isinstance(content, list) else [content]
        _fill_feature(name, values, example.features.feature[name])


def _fill_feature(name: str, values: Sequence[Any], feature: Feature) -> None:
    """Fills a feature; its first value decides its type."""
    first = ""
    for value in values:
        if value is None or isinstance(value, list) or is_object(value):
            raise invalid_argument(
                f"Feature: {name} has element with unexpected JSON type: {kind(value)}"
            )
        element = {str: "bytes", dict: "bytes", float: "float"}.get(type(value), "int64")
        first = first or element
        if element != first:
            raise invalid_argument(
                f"Unexpected element type in feature: {name} expecting type: {first}"
            )
        if element == "bytes":
            data = from_base64(value) if isinstance(value, dict) else encode(value)
            feature.bytes_list.value.append(data)
        elif element == "float":
            feature.float_list.value.append(value)
        elif value >= 2**63:
            raise invalid_argument(
                f"Feature: {name} has uint64_t element. Only int64_t is supported."
            )
        else:
            feature.int64_list.value.append(int(value))


def _element_error(number: int, key: str, error: ServingError) -> ServingError:
    return invalid_argument(
        f"Failed to process element: {number}{key} of 'instances' list. Error: {error}"
    )
