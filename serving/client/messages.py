"""TF Serving's Predict messages, and how texts go in and values come out."""

from __future__ import annotations

import math
import struct
from typing import Any, Final

from serving.protos import load_messages

PREDICT_METHOD: Final = "/tensorflow.serving.PredictionService/Predict"

DT_FLOAT: Final = 1
DT_STRING: Final = 7
DT_BOOL: Final = 10

_tensor: Final = load_messages("tensor")
_predict: Final = load_messages("predict")

TensorProto: Final = _tensor["TensorProto"]
PredictRequest: Final = _predict["PredictRequest"]
PredictResponse: Final = _predict["PredictResponse"]


def read_tensor(tensor: Any) -> list[Any]:
    """Returns the values of a TensorProto of text, floats or bools as nested lists.

    As in TensorFlow (`tensor.proto`), numbers may be packed into `tensor_content`, and a last value
    that repeats to the end may be left out.

    Raises:
        ValueError: Another type, no dimension, or not as many values as the shape says.
    """
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if not shape or min(shape) < 0:
        raise ValueError(f"its shape is {shape}")
    size = math.prod(shape)
    values: list[Any]
    if tensor.dtype == DT_STRING:
        values = [each.decode("utf-8") for each in tensor.string_val]
    elif tensor.dtype in (DT_FLOAT, DT_BOOL):
        values = list(tensor.float_val if tensor.dtype == DT_FLOAT else tensor.bool_val)
        if tensor.tensor_content:
            code = "f" if tensor.dtype == DT_FLOAT else "?"
            item = struct.Struct(f"<{code}")
            if len(tensor.tensor_content) % item.size:
                raise ValueError(f"it holds {len(tensor.tensor_content)} bytes")
            values = [value for (value,) in item.iter_unpack(tensor.tensor_content)]
    else:
        raise ValueError(f"its type is number {tensor.dtype}")
    if 0 < len(values) < size:
        values += values[-1:] * (size - len(values))
    if len(values) != size:
        raise ValueError(f"it holds {len(values)} values for the shape {shape}")
    return _nest(values, shape)


def _nest(values: list[Any], shape: list[int]) -> list[Any]:
    if len(shape) == 1:
        return values
    size = math.prod(shape[1:])
    return [_nest(values[row * size : (row + 1) * size], shape[1:]) for row in range(shape[0])]
