"""Requests that run one by one or in batches: who gets which rows, and who waits for whom."""

from __future__ import annotations

import asyncio
import math
import threading
import time

import grpc
import numpy as np
import pytest

from serving.server.model import runners
from serving.server.model.batching import BatchingOptions, BatchingRunner
from serving.server.model.runners import DirectRunner
from serving.server.model.saved_model import load_saved_model
from tests.support.doubling_model import PATIENCE, DoublingModel, refusal, submit
from tests.support.model_store import in_loop, until
from tests.support.saved_models import half_plus_two


async def busy(model: DoublingModel, runner: BatchingRunner) -> asyncio.Task:
    """Occupies the only thread of a runner on a held model with a first request."""
    first = submit(runner, 0)
    await until(lambda: model.batches)
    return first


def one_thread(model: DoublingModel, **options) -> BatchingRunner:
    return BatchingRunner(model, BatchingOptions(num_batch_threads=1, **options))


def sizes(model: DoublingModel) -> list[int]:
    return [len(batch) for batch in model.batches]


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    path = tmp_path_factory.mktemp("half") / "1"
    half_plus_two(path)
    return load_saved_model(path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_timeout_micros": 500},
        {"max_batch_size": 8, "max_enqueued_batches": 1000, "allowed_batch_sizes": (2, 5, 8)},
        {"num_batch_threads": 4, "max_batch_size": 16, "max_enqueued_batches": 1000},
    ],
    ids=str,
)
@in_loop
async def test_each_of_many_callers_gets_its_own_rows(half, options):
    dice = np.random.default_rng(4)
    requests = [dice.normal(size=(dice.integers(0, 8), 1)).astype(np.float32) for _ in range(300)]
    runner = BatchingRunner(half, BatchingOptions(**options))

    async def client(number: int) -> None:
        for rows in requests[number::20]:
            fetches = ("y:0", "y2:0") if number % 3 else ("y:0",)
            found = await runner.run({"x:0": rows}, fetches, timeout=PATIENCE)
            expected = half.run({"x:0": rows}, fetches)
            for left, right in zip(found, expected, strict=True):
                np.testing.assert_array_equal(left, right)

    await asyncio.gather(*(client(number) for number in range(20)))
    await runner.close()


@in_loop
async def test_requests_that_wait_for_a_thread_share_a_batch():
    model = DoublingModel(held=True)
    runner = one_thread(model)
    first = await busy(model, runner)
    others = [submit(runner, n, n + 0.5) for n in range(1, 6)]
    await asyncio.sleep(0)
    model.release()
    assert (await first)[0].tolist() == [0]
    found = [each[0].tolist() for each in await asyncio.gather(*others)]
    assert found == [[2 * n, 2 * n + 1] for n in range(1, 6)]
    assert sizes(model) == [1, 10]


@pytest.mark.parametrize(
    ("timeouts", "longest"), [((50.0, 200.0, 100.0), 200.0), ((50.0, None), math.inf)]
)
@in_loop
async def test_a_batch_may_run_as_long_as_somebody_waits(timeouts, longest):
    model = DoublingModel()
    runner = one_thread(model)
    await asyncio.gather(*(submit(runner, 1, timeout=timeout) for timeout in timeouts))
    (deadline,) = model.deadlines
    assert deadline - time.monotonic() == pytest.approx(longest, abs=PATIENCE)


@in_loop
async def test_simultaneous_requests_share_a_batch():
    model = DoublingModel()
    runner = BatchingRunner(model, BatchingOptions(num_batch_threads=4))
    await asyncio.gather(*(submit(runner, n) for n in range(20)))
    assert sizes(model) == [20]


@in_loop
async def test_no_batch_is_larger_than_allowed():
    model = DoublingModel(held=True)
    runner = one_thread(model, max_batch_size=5)
    first = await busy(model, runner)
    others = [submit(runner, *range(rows)) for rows in (2, 3, 3, 3, 1, 5)]
    await asyncio.sleep(0)
    model.release()
    await asyncio.gather(first, *others)
    assert sizes(model) == [1, 5, 3, 4, 5]
    error = await refusal(submit(runner, *range(6)))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.message == "Task size 6 is larger than maximum input batch size 5"


@in_loop
async def test_a_full_queue_refuses_until_there_is_room():
    model = DoublingModel(held=True)
    runner = one_thread(model, max_batch_size=2, max_enqueued_batches=2)
    running = await busy(model, runner)
    waiting = [submit(runner, n) for n in range(4)]
    error = await refusal(submit(runner, 4))
    assert error.code is grpc.StatusCode.UNAVAILABLE
    assert error.message.endswith("currently 2 batches enqueued and max_enqueued_batches is 2")
    model.release()
    await asyncio.gather(running, *waiting)
    assert (await submit(runner, 4))[0].tolist() == [8]
    assert not runner._queues


@in_loop
async def test_a_batch_that_is_not_full_waits_its_time_for_others():
    model = DoublingModel()
    patient = one_thread(model, max_batch_size=3, batch_timeout_micros=10**10)
    early = submit(patient, 1)
    await asyncio.sleep(0.02)
    assert not model.batches
    await asyncio.gather(early, submit(patient, 2), submit(patient, 3))
    assert sizes(model) == [3]
    hasty = one_thread(model, max_batch_size=3, batch_timeout_micros=1000)
    assert (await submit(hasty, 4))[0].tolist() == [8]


@pytest.mark.parametrize("padded", [False, True])
@in_loop
async def test_unlike_requests_do_not_share_a_batch(padded):
    model = DoublingModel()
    runner = one_thread(model, pad_variable_length_inputs=padded)
    unlike = [submit(runner, row) for row in ([1, 2], [1, 2, 3], 6, [4, 5])]
    await asyncio.gather(*unlike, submit(runner, 5, dtype=np.int64))
    shared = [(3, 3)] if padded else [(2, 2), (1, 3)]
    assert sorted(batch.shape for batch in model.batches) == sorted([*shared, (1,), (1,)])


@in_loop
async def test_any_error_reaches_every_caller_of_its_batch():
    class Broken:
        has_loops = False

        def run(self, inputs, outputs, deadline):
            if len(inputs["x"]) > 1:
                raise RuntimeError("out of order")
            return [inputs["x"]]

    runner = one_thread(Broken())
    for request in [submit(runner, 1), submit(runner, 2)]:
        with pytest.raises(RuntimeError, match="out of order"):
            await request
    assert (await submit(runner, 3))[0].tolist() == [3]


@in_loop
async def test_requests_that_gave_up_are_not_computed():
    model = DoublingModel(held=True)
    runner = one_thread(model)
    first = await busy(model, runner)
    late = submit(runner, 1, timeout=0.01)
    gone = submit(runner, 2)
    stays = submit(runner, 3, timeout=PATIENCE)
    assert (await refusal(late)).code is grpc.StatusCode.DEADLINE_EXCEEDED
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    model.release()
    assert (await stays)[0].tolist() == [6]
    await first
    assert [batch.tolist() for batch in model.batches] == [[0], [3]]
    at_once = await refusal(submit(runner, 4, timeout=0))
    assert at_once.code is grpc.StatusCode.DEADLINE_EXCEEDED


@in_loop
async def test_a_request_of_a_running_batch_may_give_up():
    model = DoublingModel(held=True)
    runner = one_thread(model)
    late = submit(runner, 1, timeout=0.01)
    stays = submit(runner, 2)
    assert (await refusal(late)).code is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: model.batches)
    assert sizes(model) == [2]
    model.release()
    assert (await stays)[0].tolist() == [4]


@pytest.mark.parametrize("timeout", [0, 10**10])
@in_loop
async def test_closing_answers_waiting_requests_and_refuses_new_ones(timeout):
    model = DoublingModel(held=True)
    runner = one_thread(model, batch_timeout_micros=timeout, max_batch_size=2)
    requests = [submit(runner, n, n) for n in range(3)] + [submit(runner, 3)]
    await until(lambda: model.batches)
    closing = asyncio.ensure_future(runner.close())
    await asyncio.sleep(0)
    assert (await refusal(submit(runner, 9))).code is grpc.StatusCode.UNAVAILABLE
    assert not closing.done()
    model.release()
    await closing
    assert all(request.done() for request in requests)
    assert [(await each)[0].tolist()[0] for each in requests] == [0, 2, 4, 6]


@in_loop
async def test_without_batching_each_request_is_a_run():
    model = DoublingModel(held=True)
    runner = DirectRunner(model, 8)
    requests = [submit(runner, n, n) for n in range(5)]
    await until(lambda: len(model.batches) == 5)
    model.release()
    for n, request in enumerate(requests):
        assert (await request)[0].tolist() == [2 * n, 2 * n]
    assert await runner.run({"x": np.float32(4)}, ("y",), timeout=PATIENCE) == [8]
    assert (await refusal(submit(runner, np.nan))).message == "not a number"


@in_loop
async def test_without_batching_deadlines_and_closing_are_the_same():
    model = DoublingModel(held=True)
    runner = DirectRunner(model, 1)
    first = submit(runner, 0)
    await until(lambda: model.batches)
    late = submit(runner, 1, timeout=0.01)
    assert (await refusal(late)).code is grpc.StatusCode.DEADLINE_EXCEEDED
    closing = asyncio.ensure_future(runner.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    model.release()
    await closing
    assert (await first)[0].tolist() == [0]
    assert [batch.tolist() for batch in model.batches] == [[0]]
    assert (await refusal(submit(runner, 2))).code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("batching", [False, True])
def test_only_a_short_run_of_a_request_that_is_alone_stays_in_the_event_loop(batching, monkeypatch):
    # Patient, for a machine that is busy.
    monkeypatch.setattr(runners, "_SHORT_SECONDS", PATIENCE)
    model = DoublingModel()

    async def ask() -> None:
        runner = BatchingRunner(model, BatchingOptions()) if batching else DirectRunner(model)
        # How long a run takes is known after the first one.
        await submit(runner, 1)
        await submit(runner, 2)
        await submit(runner, 3, 4)
        await submit(runner, b"a" * 20_000, dtype=object)
        await asyncio.gather(submit(runner, 5), submit(runner, 6))
        await submit(runner, 7)
        await runner.close()

    asyncio.run(ask())
    here = threading.get_ident()
    values = [each.ravel()[0] for each in model.batches]
    assert [each for each, thread in zip(values, model.threads, strict=True) if thread == here] == [
        2
    ]
