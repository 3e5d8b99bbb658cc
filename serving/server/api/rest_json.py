"""The tensors of a Predict request over REST, by the inputs of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.api.json_text import show
from serving.server.api.json_values import format_error, is_object, tensor
from serving.server.errors import ServingError, invalid_argument

_SIGNATURE: Final = "signature_name"
_ROWS: Final = "instances"
_COLUMNS: Final = "inputs"


class PredictInputs(NamedTuple):
    """The tensors of a Predict request.

    Attributes:
        tensors: Arrays by the name of the input; strings are bytes in an array of objects.
        by_row: Whether they came as `instances` and the outputs are to go back so.
    """

    tensors: dict[str, NDArray[Any]]
    by_row: bool


def signature_name(document: Mapping[str, Any]) -> str:
    """Returns the name of the signature that a request asks for, empty for the default one."""
    name = document.get(_SIGNATURE, "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {show(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def predict_inputs(
    document: Mapping[str, Any], inputs: Mapping[str, meta_graph_pb2.TensorInfo]
) -> PredictInputs:
    """Returns the tensors of a Predict request in the row or the column format.

    As `FillPredictRequestFromJson` in util/json_tensor.cc, see "Request format" of the Predict
    API in the guide to the REST API.

    Args:
        document: The request.
        inputs: The inputs of the signature by name.

    Raises:
        ServingError: The document does not fit the signature.
    """
    if not inputs:
        name = signature_name(document) or "DEFAULT"
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
            raise format_error(document, f"Excepting '{_ROWS}' to be an list/array")
        if not rows:
            raise format_error(document, f"No values in '{_ROWS}' array")
        return PredictInputs(_tensors_of_rows(rows, inputs), by_row=True)
    if _COLUMNS in document:
        return PredictInputs(_tensors_of_columns(document[_COLUMNS], inputs), by_row=False)
    raise invalid_argument(f"Missing '{_COLUMNS}' or '{_ROWS}' key")


def _tensors_of_rows(
    rows: Sequence[Any], inputs: Mapping[str, meta_graph_pb2.TensorInfo]
) -> dict[str, NDArray[Any]]:
    if not isinstance(rows[0], dict) and len(inputs) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    by_name = is_object(rows[0])
    for number, row in enumerate(rows):
        if is_object(row) != by_name:
            expected = "object but got list" if by_name else "value/list but got object"
            raise invalid_argument(f"Expecting {expected} at item {number} of input list")
        if by_name and row.keys() != inputs.keys():
            raise _wrong_keys(number, row, inputs)
    if not by_name:
        name, info = next(iter(inputs.items()))
        return {name: _column(rows, info.dtype, "")}
    return {
        name: _column([row[name] for row in rows], info.dtype, f" key: {name}")
        for name, info in inputs.items()
    }


def _wrong_keys(
    number: int, row: Mapping[str, Any], inputs: Mapping[str, meta_graph_pb2.TensorInfo]
) -> ServingError:
    for name in row:
        if name not in inputs:
            error = invalid_argument(f"JSON object: does not have named input: {name}")
            return _element_error(number, f" key: {name}", error)
    return invalid_argument(
        f"Failed to process element: {number} of 'instances' list. JSON object: {show(row)} "
        f"keys must be equal to: {','.join(sorted(inputs))}"
    )


def _column(values: Sequence[Any], dtype: int, key: str) -> NDArray[Any]:
    """Returns the values of one input, a row each, as one tensor."""
    try:
        return tensor(values, dtype)
    except ServingError:
        _check_each(values, dtype, key)
        raise


def _check_each(values: Sequence[Any], dtype: int, key: str) -> None:
    """Raises the error of the first row that is not a tensor, or not of the first one's shape."""
    first: NDArray[Any] | None = None
    for number, value in enumerate(values):
        try:
            found = tensor(value, dtype)
            first = found if first is None else first
            if found.size != first.size:
                raise invalid_argument(f"Expecting tensor size: {first.size} but got: {found.size}")
            if found.shape != first.shape:
                raise invalid_argument(
                    f"Expecting shape {_show_shape(first)} but got: {_show_shape(found)}"
                )
        except ServingError as error:
            raise _element_error(number, key, error) from None


def _tensors_of_columns(
    value: Any, inputs: Mapping[str, meta_graph_pb2.TensorInfo]
) -> dict[str, NDArray[Any]]:
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
    return {name: tensor(value[name], info.dtype) for name, info in inputs.items()}


def _show_shape(tensor: NDArray[Any]) -> str:
    return f"[{','.join(map(str, tensor.shape))}]"


def _element_error(number: int, key: str, error: ServingError) -> ServingError:
    return invalid_argument(
        f"Failed to process element: {number}{key} of 'instances' list. Error: {error}"
    )
