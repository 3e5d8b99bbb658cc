"""Tensors to and from protos, against TensorFlow's own readers and writers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving.server.model.tensors import decode_tensor, decoded_size, serialize_tensor

FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.float16: "half_val",
    tf.bfloat16: "half_val",
    tf.int8: "int_val",
    tf.int16: "int_val",
    tf.int32: "int_val",
    tf.int64: "int64_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.complex64: "scomplex_val",
    tf.complex128: "dcomplex_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}
# The last one is large enough to be read another way.
SHAPES = [(), (1,), (3,), (0,), (2, 3), (0, 4), (2, 1, 3), (3, 400)]


def some(dtype: tf.DType, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape))
    if dtype == tf.string:
        texts = [b"", b"plain", b"\xff\x00", "größe".encode() * 40]
        return np.array([texts[i % 4] for i in range(count)], object).reshape(shape)
    values = np.arange(count).reshape(shape)
    if dtype == tf.bool:
        return values % 2 == 0
    if dtype.is_floating or dtype.is_complex:
        return (values * 0.75 - 1).astype(dtype.as_numpy_dtype)
    return (values + (0 if dtype.is_unsigned else -2)).astype(dtype.as_numpy_dtype)


def proto(dtype: int, shape: list[int], **fields) -> TensorProto:
    message = TensorProto(dtype=dtype, **fields)
    for size in shape:
        message.tensor_shape.dim.add(size=size)
    return message


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", FIELDS, ids=lambda each: each.name)
def test_tensors_are_read_and_written(dtype, shape):
    expected = some(dtype, shape)
    assert_same(decode_tensor(tf.make_tensor_proto(expected, dtype, shape)), expected)
    answer = TensorProto.FromString(serialize_tensor(expected))
    # The values stand in the field of their type, as TF Serving puts them.
    assert not answer.tensor_content
    used = {field.name for field, _ in answer.ListFields()} - {"dtype", "tensor_shape"}
    assert used == ({FIELDS[dtype]} if expected.size else set())
    assert_same(tf.make_ndarray(answer).astype(expected.dtype), expected)
    assert_same(decode_tensor(answer), expected)


def test_a_part_of_a_batch_is_written():
    batches = [some(dtype, (4, 3)) for dtype in (tf.float16, tf.float32, tf.string)]
    for part in (part for batch in batches for part in (batch[1:3], batch[:, 1], batch.T)):
        assert_same(decode_tensor(TensorProto.FromString(serialize_tensor(part))), part)


UNKNOWN_RANK = TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1])
UNKNOWN_RANK.tensor_shape.unknown_rank = True


@pytest.mark.parametrize(
    "message",
    [
        UNKNOWN_RANK,
        proto(types_pb2.DT_FLOAT, [3], float_val=[1.5]),
        proto(types_pb2.DT_FLOAT, [2, 2], float_val=[1, 2, 3]),
        proto(types_pb2.DT_INT64, [2], int64_val=[1, 2, 3]),
        proto(types_pb2.DT_INT32, [2]),
        proto(types_pb2.DT_STRING, [2], string_val=[b"a"]),
        proto(types_pb2.DT_STRING, [2]),
        proto(types_pb2.DT_HALF, [3], half_val=[15360]),
        proto(types_pb2.DT_STRING, [2], tensor_content=b"\x01\x02abc"),
        proto(types_pb2.DT_QINT8, [2], int_val=[1, 2]),
    ],
    ids=lambda message: types_pb2.DataType.Name(message.dtype),
)
def test_rare_forms_are_read_as_by_tensorflow(message):
    expected = tf.io.parse_tensor(message.SerializeToString(), message.dtype).numpy()
    assert_same(decode_tensor(message), expected)


@pytest.mark.parametrize(
    ("message", "size"),
    [
        (proto(types_pb2.DT_FLOAT, [10**9], float_val=[1]), 4 * 10**9),
        (proto(types_pb2.DT_INT8, [2, 10**9]), 2 * 10**9),
        (proto(types_pb2.DT_INT8, [-1, 10**9]), 0),
        (proto(types_pb2.DT_QINT32, [10**9]), 16 * 10**9),
        (proto(types_pb2.DT_STRING, [3], string_val=[b"a", b"bcd", b"e"]), 3 * 2048),
        (proto(types_pb2.DT_STRING, [10**9], string_val=[b"a", b"bcd"]), 2051 * 10**9 - 6),
        (proto(types_pb2.DT_STRING, [10**9], tensor_content=b"\x01a"), 2048 * 10**9),
    ],
    ids=["floats", "bytes", "less than none", "a rare type", "whole", "padded", "packed"],
)
def test_a_tensor_is_as_large_as_declared(message, size):
    assert decoded_size(message) == size


@pytest.mark.parametrize(
    "message",
    [
        proto(types_pb2.DT_FLOAT, [-1], float_val=[1]),
        proto(types_pb2.DT_FLOAT, [-1, -1], float_val=[1]),
        proto(types_pb2.DT_FLOAT, [2], tensor_content=b"\0" * 7),
        proto(types_pb2.DT_STRING, [2], tensor_content=b"\x09abc"),
        proto(types_pb2.DT_INVALID, [1], float_val=[1]),
        proto(types_pb2.DT_RESOURCE, [1]),
        proto(99, [1], float_val=[1]),
        proto(types_pb2.DT_FLOAT, [1] * 100_000, float_val=[1]),
        TensorProto(),
    ],
    ids=lambda message: str(message)[:40],
)
def test_invalid_tensors_are_refused(message):
    with pytest.raises(ValueError, match=r"."):
        decode_tensor(message)
