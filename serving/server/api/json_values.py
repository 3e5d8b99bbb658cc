"""Values of a JSON document as arrays of a signature's types, by TF Serving's rules."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2

from serving.server.api.json_text import encode, show
from serving.server.errors import ServingError, invalid_argument, unimplemented

_BASE64: Final = "b64"

# NumPy has no array of more.
_MOST_DIMENSIONS: Final = 32
_INT32: Final = (-(2**31), 2**31 - 1)
_WHOLE: Final = {
    types_pb2.DT_INT8: _INT32,
    types_pb2.DT_UINT8: _INT32,
    types_pb2.DT_INT16: _INT32,
    types_pb2.DT_INT32: _INT32,
    types_pb2.DT_INT64: (-(2**63), 2**63 - 1),
    types_pb2.DT_UINT32: (0, 2**32 - 1),
    types_pb2.DT_UINT64: (0, 2**64 - 1),
}
_FLOATS: Final = (types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE)
_KINDS: Final = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


def tensor(value: Any, dtype: int) -> NDArray[Any]:
    """Returns a value, or nested lists of values, as an array of a signature's type.

    As `FillTensorProto` and `AddValueToTensor` in util/json_tensor.cc: all lists of a level have
    the same size; a decimal fits floats only, which round it ("Floating Point Precision" in the
    guide to the REST API), and so do whole numbers; those of 8 and 16 bits wrap around.

    Raises:
        ServingError: Lists of different sizes, or a value of another type.
    """
    shape = []
    inner = value
    while isinstance(inner, list):
        shape.append(len(inner))
        if not inner:
            break
        inner = inner[0]
    if len(shape) > _MOST_DIMENSIONS:
        raise invalid_argument(
            f"Lists are nested {len(shape)} deep; a tensor has {_MOST_DIMENSIONS} dimensions "
            "at most"
        )
    return _array(_leaves(value, shape), dtype).reshape(shape)


def _leaves(value: Any, shape: Sequence[int]) -> list[Any]:
    """Returns the elements of nested lists that are all of one shape."""
    items = [value]
    for level, size in enumerate(shape):
        for item in items:
            if not isinstance(item, list):
                raise invalid_argument(
                    f"JSON Value: {show(item)} found at incorrect level: {level + 1} "
                    f"in the JSON DOM. Expected at level: {len(shape)}"
                )
            if len(item) != size:
                raise invalid_argument(
                    f"Encountered list at unexpected size: {len(item)} at level: {level} "
                    f"expected size: {size}"
                )
        items = list(chain.from_iterable(items))
    if list in set(map(type, items)):
        raise invalid_argument(
            f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}"
        )
    return items


def _array(values: list[Any], dtype: int) -> NDArray[Any]:
    """Returns values of a document as a flat array of a signature's type."""
    kinds = set(map(type, values))
    if dtype == types_pb2.DT_STRING:
        return np.array(_strings(values, kinds), dtype=object)
    if dtype in _FLOATS:
        if kinds - {int, float}:
            raise _type_error(next(v for v in values if type(v) not in (int, float)), dtype)
        # What a float does not hold is rounded, or infinite.
        with np.errstate(over="ignore"):
            return np.array(values, dtype=np.float64).astype(_numpy_type(dtype))
    if dtype in _WHOLE:
        low, high = _WHOLE[dtype]
        if values and (kinds != {int} or min(values) < low or max(values) > high):
            raise _type_error(
                next(v for v in values if type(v) is not int or not low <= v <= high), dtype
            )
        wide = np.array(values, dtype=np.uint64 if high >= 2**63 else np.int64)
        return wide.astype(_numpy_type(dtype))
    if dtype == types_pb2.DT_BOOL:
        if kinds - {bool}:
            raise _type_error(next(v for v in values if type(v) is not bool), dtype)
        return np.array(values, dtype=np.bool_)
    if values:
        raise unimplemented(
            f"Conversion of JSON Value: {show(values[0])} to type: {_type_name(dtype)}"
        )
    return np.array([], dtype=_numpy_type(dtype))


def _strings(values: list[Any], kinds: set[type]) -> list[bytes]:
    if kinds - {str, dict}:
        raise _type_error(
            next(v for v in values if type(v) not in (str, dict)), types_pb2.DT_STRING
        )
    if dict not in kinds:
        return [encode(value) for value in values]
    return [from_base64(v) if isinstance(v, dict) else encode(v) for v in values]


def is_object(value: Any) -> bool:
    """Says whether a value is an object that does not stand for base64 data."""
    return isinstance(value, dict) and not (len(value) == 1 and isinstance(value.get(_BASE64), str))


def from_base64(value: Mapping[str, Any]) -> bytes:
    """Returns the data of a b64 object; white space and missing padding are let through.

    Raises:
        ServingError: It is not such an object, or its text not base64.
    """
    if is_object(value):
        raise invalid_argument(f"JSON Value: {show(value)} not formatted correctly for base64 data")
    text = "".join(value[_BASE64].split())
    if "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        if len(text) % 4:
            raise ValueError("wrong padding")
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise invalid_argument("Unable to base64 decode") from None


def _numpy_type(dtype: int) -> Any:
    return tf.dtypes.as_dtype(dtype).as_numpy_dtype


def _type_name(dtype: int) -> str:
    return str(types_pb2.DataType.Name(dtype)).removeprefix("DT_").lower()


def kind(value: Any) -> str:
    """Returns RapidJSON's name for the type of a value."""
    return str(value) if isinstance(value, bool) else _KINDS[type(value)]


def _type_error(value: Any, dtype: int) -> ServingError:
    return invalid_argument(
        f"JSON Value: {show(value)} Type: {kind(value)} is not of expected type: "
        f"{_type_name(dtype)}"
    )


def format_error(document: Mapping[str, Any], problem: str) -> ServingError:
    """Returns the error for a document that lacks a key or has one of a wrong form."""
    return invalid_argument(f"JSON Value: {show(document)} {problem}")
