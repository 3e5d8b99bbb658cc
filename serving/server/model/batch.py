"""Runs the inputs of several requests as one batch, and splits the outputs again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import grpc
import numpy as np

from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.server.model.saved_model import SavedModel
from serving.server.model.tensors import Array

Arrays = dict[str, Array]
# The outputs of one request, or what is wrong with it.
Answer = list[Array] | ServingError


def count_rows(inputs: Arrays) -> int:
    """Returns the number of rows of a request.

    Raises:
        ServingError: There is none: no input, a scalar, or inputs of different sizes.

    Source: tensorflow_serving/batching/batching_util.h.
    """
    if not inputs:
        raise invalid_argument("Batching Run() must have at least one input tensor")
    sizes = {array.shape[:1] for array in inputs.values()}
    if () in sizes:
        raise invalid_argument("Batching Run() input tensors must have at least one dimension")
    if len(sizes) > 1:
        raise invalid_argument("Batching Run() input tensors must have equal 0th-dimension size")
    ((rows,),) = sizes
    return rows


def run_batch(
    model: SavedModel,
    requests: Sequence[Arrays],
    outputs: tuple[str, ...],
    allowed_sizes: Sequence[int] = (),
    deadline: float = math.inf,
) -> list[Answer]:
    """Computes the outputs of several requests in one run of the model.

    If that fails, the requests are halved until the bad ones are alone.

    Args:
        model: The model.
        requests: Inputs by name of tensor; of the same names, types and ranks, and each of as many
            rows as `count_rows` says.
        outputs: Names of tensors.
        allowed_sizes: In increasing order; the batch is padded to the next of them.
        deadline: When the last request gives up, by `time.monotonic`.

    Returns:
        For each request its outputs, or the error it met.
    """
    sizes = [len(next(iter(inputs.values()))) for inputs in requests]
    rows = sum(sizes)
    total = next((size for size in allowed_sizes if size >= rows), rows) if rows else 0
    try:
        merged = {
            name: _merge([inputs[name] for inputs in requests], total - rows)
            for name in requests[0]
        }
        values = model.run(merged, outputs, deadline)
    except ServingError as error:
        if len(requests) == 1 or error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return [error] * len(requests)
        middle = len(requests) // 2
        return [
            answer
            for half in (requests[:middle], requests[middle:])
            for answer in run_batch(model, half, outputs, allowed_sizes, deadline)
        ]
    misfit = _check_output_rows(values, total)
    if misfit is not None:
        return [misfit] * len(requests)
    ends = itertools.accumulate(sizes)
    return [
        [value[end - size : end] for value in values] for size, end in zip(sizes, ends, strict=True)
    ]


def _merge(arrays: list[Array], padding: int) -> Array:
    """Concatenates arrays, padded to equal inner shapes, and appends rows of padding."""
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        largest = [max(sizes) for sizes in zip(*shapes, strict=True)]
        arrays = [_pad(array, largest) for array in arrays]
    if padding:
        # A row of a request is one that the model accepts.
        row = next(array for array in arrays if len(array))[:1]
        arrays = [*arrays, np.repeat(row, padding, axis=0)]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _pad(array: Array, inner: Sequence[int]) -> Array:
    if len(array) and not array.size:
        raise invalid_argument("Got empty tensor in batch of non-empty tensors.")
    padded = np.empty((len(array), *inner), array.dtype)
    if array.size:
        padded[...] = array.flat[0]
        padded[tuple(slice(size) for size in array.shape)] = array
    return padded


def _check_output_rows(values: Sequence[Array], rows: int) -> ServingError | None:
    if not all(value.ndim for value in values):
        return failed_precondition("Batched output tensor has 0 dimensions")
    if any(len(value) != rows for value in values):
        return failed_precondition(
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
            "sizes of the input tensors"
        )
    return None
