"""TF Serving's Predict messages, without the official stubs, which import TensorFlow.

Packages, names, numbers and types are those of `tensorflow_serving/apis/{predict,model}.proto`
and of `tensorflow/core/framework/{tensor,tensor_shape,types}.proto`. Of tensors only the fields
that the client uses are defined; protobuf keeps others as unknown fields.
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
            "tensor_content": Field(4, "bytes"),
            "float_val": Field(5, "float", repeated=True),
            "string_val": Field(8, "bytes", repeated=True),
            "bool_val": Field(11, "bool", repeated=True),
        },
    },
    {
        "DataType": {
            "DT_INVALID": 0,
            "DT_FLOAT": DT_FLOAT,
            "DT_STRING": DT_STRING,
            "DT_BOOL": DT_BOOL,
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

    As in TensorFlow (`tensor.proto`), numbers may be packed into `tensor_content`, and a last value
    that repeats to the end may be left out.

    Raises:
        ValueError: Another type or rank, or not as many values as the shape says.
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
