"""How much is computed at once, and until when it counts."""

from __future__ import annotations

import asyncio

import grpc
import numpy as np
import pytest

from serving.server.errors import ServingError
from serving.server.model.batching import BatchingOptions, BatchingRunner
from serving.server.model.limits import Limits
from serving.server.model.runners import DirectRunner
from tests.support.doubling_model import DoublingModel, refusal, submit
from tests.support.model_store import in_loop, until

# Numbers of 40,000 bytes.
LARGE = range(10_000)


def strings(*values: bytes) -> np.ndarray:
    return np.array(values, object)


def test_numbers_count_their_bytes_and_strings_two_kibibytes_more():
    inputs = {"x": np.zeros((2, 3)), "text": strings(b"abc", b""), "none": np.float32(1)}
    assert Limits().measure(inputs) == 48 + 3 + 2 * 2048 + 4


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (strings(b"short", b"a" * 101), "A string of the request has 101 bytes, and --max_string"),
        (strings(*[b""] * 5), "The request is too large: it would take 10240 bytes, and --max"),
        (np.zeros(2000), "The request is too large: it would take 16000 bytes"),
    ],
    ids=["a long string", "many strings", "many numbers"],
)
def test_what_is_too_large_by_itself_is_refused(array, message):
    with pytest.raises(ServingError) as caught:
        Limits(max_string_bytes=100, max_computing_bytes=10_000).measure({"x": array})
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("batching", [False, True])
@in_loop
async def test_a_request_counts_until_its_computation_has_ended(batching):
    """Not only until it is answered."""
    model = DoublingModel(held=True)
    limits = Limits(max_computing_bytes=100_000)
    many = BatchingOptions(max_batch_size=len(LARGE), num_batch_threads=1)
    runner = BatchingRunner(model, many, limits) if batching else DirectRunner(model, 1, limits)
    late = submit(runner, *LARGE, timeout=0.05)
    await until(lambda: model.batches)
    waiting = submit(runner, *LARGE)
    small = submit(runner, 5)
    assert (await refusal(late)).code is grpc.StatusCode.DEADLINE_EXCEEDED
    error = await refusal(submit(runner, *LARGE))
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.message == (
        "The request would take 40000 bytes, and other requests have taken 80000 of the 100000 "
        "that --max_computing_bytes allows. Try again."
    )
    # What waits no longer gives its place back too.
    waiting.cancel()
    model.release()
    assert (await small)[0].tolist() == [10]
    for _ in range(3):
        (values,) = await asyncio.gather(submit(runner, *LARGE))
        assert values[0][-1] == 2 * LARGE[-1]
    await runner.close()
    assert limits.take(100_000) == 100_000
