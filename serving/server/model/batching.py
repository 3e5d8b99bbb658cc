"""Gathers requests into batches, as TF Serving's batching session does.

A free thread takes what waits, up to `max_batch_size` rows, and the answers are cut apart again.
"""

from __future__ import annotations

import asyncio
import functools
import math
import os
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from serving.server.errors import ServingError, invalid_argument, unavailable
from serving.server.model.batch import Answer, Arrays, count_rows, run_batch
from serving.server.model.limits import Limits
from serving.server.model.runners import Runner, is_too_late
from serving.server.model.saved_model import SavedModel
from serving.server.model.tensors import Array


@dataclass(frozen=True)
class BatchingOptions:
    """TF Serving's BatchingParameters, with its defaults.

    Attributes:
        max_batch_size: Rows in a batch, and so in a request.
        batch_timeout_micros: How long a batch that is not full waits for more requests while a
            thread is free.
        max_enqueued_batches: Batches that may wait for one combination of tensors.
        num_batch_threads: Threads that run batches; one less than there are processors if None.
        allowed_batch_sizes: Batches are padded to the next of these, if there are any.
        pad_variable_length_inputs: Whether requests of different inner shapes share a batch,
            each padded to the largest with its own first value.

    Source: servables/tensorflow/session_bundle_config.proto.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int | None = None
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False


@dataclass(frozen=True, eq=False)
class _Task:
    inputs: Arrays
    # Done before its batch starts if the caller is gone or its time is up.
    answer: asyncio.Future[list[Array]]
    # By `time.monotonic`; infinite if any time will do.
    deadline: float


@dataclass(eq=False)
class _Batch:
    outputs: tuple[str, ...]
    form: list[Any]
    started: float
    tasks: list[_Task] = field(default_factory=list)
    rows: int = 0
    # What its requests have taken of the limits.
    size: int = 0


class BatchingRunner(Runner):
    """Runs batches of requests that want the same tensors.

    Where TF Serving fails a whole batch for one bad request or for unequal shapes, here unequal
    requests do not share a batch, and a batch that fails is halved until the bad ones are alone.

    Everything but the run of a batch happens in the event loop, so there are no locks.

    Source: tensorflow_serving/batching/batching_session.cc and tensorflow/core/kernels/
    batching_util/shared_batch_scheduler.h.
    """

    def __init__(
        self, model: SavedModel, options: BatchingOptions, limits: Limits | None = None
    ) -> None:
        super().__init__(model, limits)
        self._options = options
        # The event loop, through which all requests go, keeps one core busy.
        self._free = options.num_batch_threads or max(1, (os.cpu_count() or 1) - 1)
        self._threads = ThreadPoolExecutor(self._free, "batches")
        # Waiting batches by inputs and outputs, the oldest first. No queue is ever empty.
        self._queues: dict[tuple[tuple[str, ...], tuple[str, ...]], deque[_Batch]] = {}
        self._running: set[asyncio.Future[list[Answer]]] = set()
        self._dispatching = False
        self._timer: asyncio.Handle | None = None

    def _run_here(self, inputs: Arrays, outputs: tuple[str, ...]) -> list[Array]:
        count_rows(inputs)
        (answer,) = run_batch(self._model, [inputs], outputs, self._options.allowed_batch_sizes)
        if isinstance(answer, ServingError):
            raise answer
        return answer

    async def _run_in_thread(
        self, inputs: Arrays, outputs: tuple[str, ...], timeout: float | None, size: int
    ) -> list[Array]:
        rows = count_rows(inputs)
        if rows > self._options.max_batch_size:
            raise invalid_argument(
                f"Task size {rows} is larger than maximum input batch size "
                f"{self._options.max_batch_size}"
            )
        batch = self._open_batch(inputs, outputs, rows)
        batch.size += self.limits.take(size)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Array]] = loop.create_future()
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        batch.tasks.append(_Task(inputs, answer, deadline))
        batch.rows += rows
        if self._free and not self._dispatching:
            # Not at once: what else has arrived by now joins the batch.
            self._dispatching = True
            loop.call_soon(self._dispatch)
        if timeout is None:
            return await answer
        # Costs a third of asyncio.wait_for.
        expiry = loop.call_later(timeout, _expire, answer)
        try:
            return await answer
        finally:
            expiry.cancel()

    async def close(self) -> None:
        """See `Runner`."""
        self._closing = True
        self._dispatch()
        while self._running:
            await asyncio.wait(self._running)
        self._threads.shutdown()

    def _open_batch(self, inputs: Arrays, outputs: tuple[str, ...], rows: int) -> _Batch:
        """Returns the waiting batch that a request joins."""
        options = self._options
        queue = self._queues.setdefault((tuple(inputs), outputs), deque())
        padded = options.pad_variable_length_inputs
        form = [
            (array.dtype, array.ndim if padded else array.shape[1:]) for array in inputs.values()
        ]
        for batch in reversed(queue):
            if batch.form == form and batch.rows + rows <= options.max_batch_size:
                return batch
        if queue and len(queue) >= options.max_enqueued_batches:
            raise unavailable(
                "The batch scheduling queue to which this task was submitted is full; currently "
                f"{len(queue)} batches enqueued and max_enqueued_batches is "
                f"{options.max_enqueued_batches}"
            )
        batch = _Batch(outputs, form, time.monotonic())
        queue.append(batch)
        return batch

    def _dispatch(self) -> None:
        """Starts the batches that are ready, and schedules itself for the next one."""
        self._dispatching = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._free and self._queues:
            key, queue = min(self._queues.items(), key=lambda item: self._ready_at(item[1]))
            delay = self._ready_at(queue) - time.monotonic()
            if delay > 0:
                self._timer = asyncio.get_running_loop().call_later(delay, self._dispatch)
                return
            self._start(queue.popleft())
            if not queue:
                # Each choice of outputs has a queue: empty ones would pile up.
                del self._queues[key]

    def _ready_at(self, queue: deque[_Batch]) -> float:
        first = queue[0]
        full = len(queue) > 1 or first.rows >= self._options.max_batch_size
        waits = 0 if full or self._closing else self._options.batch_timeout_micros / 1e6
        return first.started + waits

    def _start(self, batch: _Batch) -> None:
        tasks = [task for task in batch.tasks if not task.answer.done()]
        if not tasks:
            self.limits.give_back(batch.size)
            return
        self._free -= 1
        running = asyncio.get_running_loop().run_in_executor(
            self._threads,
            run_batch,
            self._model,
            [task.inputs for task in tasks],
            batch.outputs,
            self._options.allowed_batch_sizes,
            max(task.deadline for task in tasks),
        )
        self._running.add(running)
        running.add_done_callback(functools.partial(self._finish, tasks, batch.size))

    def _finish(self, tasks: list[_Task], size: int, running: asyncio.Future[list[Answer]]) -> None:
        self._running.discard(running)
        self.limits.give_back(size)
        self._free += 1
        # First, so that the next batch runs while these answers are written.
        self._dispatch()
        failure = running.exception()
        answers = [failure] * len(tasks) if failure is not None else running.result()
        for task, answer in zip(tasks, answers, strict=True):
            if task.answer.done():
                continue
            if isinstance(answer, BaseException):
                task.answer.set_exception(answer)
            else:
                task.answer.set_result(answer)


def _expire(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(is_too_late())
