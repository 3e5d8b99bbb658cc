"""Tensors between numpy and TensorProto, as TensorFlow's C++ Tensor reads and writes them.

Several times as fast as TensorFlow's Python functions for the small tensors of a request.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from google.protobuf.internal.encoder import _VarintBytes
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.python.framework.dtypes import bfloat16
from tensorflow.python.framework.errors_impl import OpError
from tensorflow.python.framework.tensor_util import make_tensor_proto
from tensorflow.python.ops.gen_parsing_ops import parse_tensor

Array = NDArray[Any]

# By type: numpy's, and the field of TensorProto that holds the values.
_FIELDS: Final[dict[int, tuple[np.dtype[Any], str]]] = {
    types_pb2.DT_FLOAT: (np.dtype(np.float32), "float_val"),
    types_pb2.DT_DOUBLE: (np.dtype(np.float64), "double_val"),
    types_pb2.DT_INT8: (np.dtype(np.int8), "int_val"),
    types_pb2.DT_INT16: (np.dtype(np.int16), "int_val"),
    types_pb2.DT_INT32: (np.dtype(np.int32), "int_val"),
    types_pb2.DT_INT64: (np.dtype(np.int64), "int64_val"),
    types_pb2.DT_UINT8: (np.dtype(np.uint8), "int_val"),
    types_pb2.DT_UINT16: (np.dtype(np.uint16), "int_val"),
    types_pb2.DT_UINT32: (np.dtype(np.uint32), "uint32_val"),
    types_pb2.DT_UINT64: (np.dtype(np.uint64), "uint64_val"),
    types_pb2.DT_BOOL: (np.dtype(np.bool_), "bool_val"),
    types_pb2.DT_HALF: (np.dtype(np.float16), "half_val"),
    types_pb2.DT_BFLOAT16: (np.dtype(bfloat16.as_numpy_dtype), "half_val"),
    types_pb2.DT_COMPLEX64: (np.dtype(np.complex64), "scomplex_val"),
    types_pb2.DT_COMPLEX128: (np.dtype(np.complex128), "dcomplex_val"),
    types_pb2.DT_STRING: (np.dtype(np.object_), "string_val"),
}
_BY_DTYPE: Final = {dtype: (number, field) for number, (dtype, field) in _FIELDS.items()}
# Fields whose values are the bits or the halves of a number.
_VIEWS: Final = {"half_val": np.uint16, "scomplex_val": np.float32, "dcomplex_val": np.float64}

# Of fields, serialized. What is packed lies there as in numpy's memory.
_PACKED_TAGS: Final = {"float_val": b"\x2a", "double_val": b"\x32", "bool_val": b"\x5a"}
_STRING_TAG: Final = b"\x42"

# What a string takes beside its bytes where a text model computes: the row that it stands for.
STRING_BYTES: Final = 2048
# From so many numbers on TensorFlow reads a tensor faster.
_MANY: Final = 512
# As many dimensions as TensorFlow has; NumPy has fewer.
_MOST_DIMS: Final = 254
# The bytes of an element of the rare types.
_LARGEST: Final = 16

encode_length: Callable[[int], bytes] = functools.lru_cache(_VarintBytes)


def show_shape(array: Array) -> str:
    """Returns the shape as TensorFlow's messages write it: `[2,3]`."""
    return f"[{','.join(map(str, array.shape))}]"


def decoded_size(proto: TensorProto) -> int:
    """Returns how many bytes a tensor takes once it is read, by its declared shape.

    It may have more elements than were sent: the last value stands for the rest. A string takes
    `STRING_BYTES` more than it has.
    """
    dims = proto.tensor_shape.dim
    count = max(0, math.prod([dim.size for dim in dims])) if len(dims) <= _MOST_DIMS else 0
    dtype, _ = _FIELDS.get(proto.dtype, (None, ""))
    if dtype is None or not dtype.hasobject:
        return count * (_LARGEST if dtype is None else dtype.itemsize)
    values = proto.string_val
    padding = count - len(values)
    return count * STRING_BYTES + (padding * len(values[-1]) if values and padding > 0 else 0)


def decode_plain(proto: TensorProto, limit: int) -> Array | None:
    """Reads a tensor of a usual type with each value written out, and fewer than `limit` values.

    Raises:
        ValueError: NumPy has no such shape.
    """
    dtype, field = _FIELDS.get(proto.dtype, (None, ""))
    if dtype is None or field in _VIEWS or proto.tensor_content:
        return None
    values = getattr(proto, field)
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if len(values) >= limit or len(values) != math.prod(shape):
        return None
    return np.array(list(values), dtype).reshape(shape)


def decode_tensor(proto: TensorProto) -> Array:
    """Reads a tensor.

    Returns:
        The array; strings as an array of objects that are bytes.

    Raises:
        ValueError: The type, shape and values do not make a tensor.

    Source: Tensor::FromProto in tensorflow/core/framework/tensor.cc.
    """
    dims = len(proto.tensor_shape.dim)
    if dims > _MOST_DIMS:
        raise ValueError(f"{dims} dimensions")
    array = decode_plain(proto, sys.maxsize if proto.dtype == types_pb2.DT_STRING else _MANY)
    if array is not None:
        return array
    # The rest is large, rare or broken: TensorFlow pads, truncates or refuses it.
    try:
        parsed: Array = parse_tensor(proto.SerializeToString(), proto.dtype).numpy()
    except (TypeError, OpError) as error:
        raise ValueError(str(error)) from error
    return parsed


def serialize_tensor(array: Array) -> bytes:
    """Returns a serialized TensorProto: numbers, booleans, or objects that are bytes.

    The usual types are written without a message, which takes several times as long.

    Source: Tensor::AsProtoField in tensorflow/core/framework/tensor.cc, which TF Serving
    answers with.
    """
    known = _BY_DTYPE.get(array.dtype)
    if known is None:
        return bytes(make_tensor_proto(array).SerializeToString())
    number, field = known
    # Put together, two serialized messages are their merger.
    form = _serialize_form(number, array.shape)
    if field == "string_val":
        parts = [form]
        for value in array.ravel().tolist():
            parts += (_STRING_TAG, encode_length(len(value)), value)
        return b"".join(parts)
    if tag := _PACKED_TAGS.get(field):
        return form + tag + encode_length(array.nbytes) + array.tobytes() if array.size else form
    values = array.ravel()
    if field in _VIEWS:
        values = values.view(_VIEWS[field])
    return form + bytes(TensorProto(**{field: values.tolist()}).SerializeToString())


@functools.lru_cache
def _serialize_form(number: int, shape: tuple[int, ...]) -> bytes:
    proto = TensorProto(dtype=number)
    # Set for a scalar too.
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return bytes(proto.SerializeToString())
