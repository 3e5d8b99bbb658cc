"""TF Serving's Predict messages, without the official stubs, which import TensorFlow.

Packages, names, numbers and types are those of `tensorflow_serving/apis/{predict,model}.proto`
and of `tensorflow/core/framework/{tensor,tensor_shape,types}.proto`; what an answer holds beyond
them is kept as unknown fields. They live in a pool of their own, so both can be loaded.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any, Final

from serving.protos import Field, define

PREDICT_METHOD: Final = "/tensorflow.serving.PredictionService/Predict"

DT_FLOAT: Final = 1
DT_STRING: Final = 7
DT_BOOL: Final = 10

_TENSOR: Final = "tensorflow.TensorProto"
_MODEL_SPEC: Final = "tensorflow.serving.ModelSpec"

_framework: Final = define(
    "tensorflow",
    {
        "TensorShapeProto": {
            "dim": Field(2, "tensorflow.TensorShapeProto.Dim", repeated=True),
            "unknown_rank": Field(3, "bool"),
        },
        "TensorShapeProto.Dim": {"size": Field(1, "int64"), "name": Field(2, "string")},
        "TensorProto": {
            "dtype": Field(1, "tensorflow.DataType"),
            "tensor_shape": Field(2, "tensorflow.TensorShapeProto"),
            "version_number": Field(3, "int32"),
            "tensor_content": Field(4, "bytes"),
            "half_val": Field(13, "int32", repeated=True),
            "float_val": Field(5, "float", repeated=True),
            "double_val": Field(6, "double", repeated=True),
            "int_val": Field(7, "int32", repeated=True),
            "string_val": Field(8, "bytes", repeated=True),
            "int64_val": Field(10, "int64", repeated=True),
            "bool_val": Field(11, "bool", repeated=True),
            "uint32_val": Field(16, "uint32", repeated=True),
            "uint64_val": Field(17, "uint64", repeated=True),
        },
    },
    {
        "DataType": {
            "DT_INVALID": 0,
            "DT_FLOAT": DT_FLOAT,
            "DT_DOUBLE": 2,
            "DT_INT32": 3,
            "DT_UINT8": 4,
            "DT_INT16": 5,
            "DT_INT8": 6,
            "DT_STRING": DT_STRING,
            "DT_COMPLEX64": 8,
            "DT_INT64": 9,
            "DT_BOOL": DT_BOOL,
            "DT_UINT16": 17,
            "DT_HALF": 19,
            "DT_UINT32": 22,
            "DT_UINT64": 23,
        }
    },
)
_apis: Final = define(
    "tensorflow.serving",
    {
        "ModelSpec": {
            "name": Field(1, "string"),
            "version": Field(2, "google.protobuf.Int64Value", oneof="version_choice"),
            "version_label": Field(4, "string", oneof="version_choice"),
            "signature_name": Field(3, "string"),
        },
        "PredictRequest": {
            "model_spec": Field(1, _MODEL_SPEC),
            "inputs": Field(2, _TENSOR, key="string"),
            "output_filter": Field(3, "string", repeated=True),
        },
        "PredictResponse": {
            "model_spec": Field(2, _MODEL_SPEC),
            "outputs": Field(1, _TENSOR, key="string"),
        },
    },
)

TensorShapeProto: Final = _framework["TensorShapeProto"]
TensorProto: Final = _framework["TensorProto"]
ModelSpec: Final = _apis["ModelSpec"]
PredictRequest: Final = _apis["PredictRequest"]
PredictResponse: Final = _apis["PredictResponse"]


def fill_strings(tensor: Any, values: Sequence[bytes]) -> None:
    """Makes an empty TensorProto a string tensor of shape [n]."""
    tensor.dtype = DT_STRING
    tensor.tensor_shape.dim.add().size = len(values)
    tensor.string_val.extend(values)


def read_rows(tensor: Any) -> list[list[Any]]:
    """Returns the values of a string, float or bool TensorProto of shape [n, k].

    Numbers may stand in `tensor_content`, and a value that repeats to the end may be left out,
    as TensorFlow reads it (`tensor.proto`).

    Raises:
        ValueError: It is of another type or rank, or has not as many values as its shape says.
    """
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if len(shape) != 2 or min(shape) < 0:
        raise ValueError(f"its shape is {shape}")
    size = math.prod(shape)
    values: list[Any]
    if tensor.dtype == DT_STRING:
        values = list(tensor.string_val)
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
    rows, columns = shape
    return [values[row * columns : (row + 1) * columns] for row in range(rows)]
