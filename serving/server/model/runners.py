"""Runs requests on a model: in the event loop where that is short, else in threads."""

from __future__ import annotations

import asyncio
import functools
import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from serving.server.errors import deadline_exceeded, unavailable
from serving.server.model.batch import Arrays
from serving.server.model.limits import SMALL_BYTES, Limits
from serving.server.model.saved_model import SavedModel
from serving.server.model.tensors import Array

# From so many elements on tensors and examples are converted in a thread: the event loop would
# stand still for more than a millisecond or so.
MANY_ELEMENTS: Final = 2048
# How long after the last crowd a request counts as alone.
_CALM_SECONDS: Final = 0.05
# What the event loop may do at once.
_SHORT_SECONDS: Final = 0.002
_T = TypeVar("_T")

# The error of a request whose time is up.
is_too_late = functools.partial(deadline_exceeded, "Deadline exceeded")


class Runner(ABC):
    """Computes tensors of a model for concurrent callers in one event loop.

    A short run of a request that is alone happens in the loop itself: to hand it to a thread and
    back would take a single text a sixth of its time.

    Attributes:
        limits: What it may compute at once.
    """

    def __init__(self, model: SavedModel, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._model = model
        self._closing = False
        self._requests = 0
        # How long the last request took that was small and alone.
        self._seconds = math.inf
        # When two requests were last there at the same time.
        self._crowded = -math.inf

    async def run(
        self, inputs: Arrays, outputs: tuple[str, ...], *, timeout: float | None
    ) -> list[Array]:
        """Computes tensors.

        Args:
            inputs: Values by name of tensor.
            outputs: Names of tensors.
            timeout: Seconds to wait at most; any time if None.

        Returns:
            The values of the outputs, in their order.

        Raises:
            ServingError: The model refuses or fails, time is up, the request is too large, or the
                queue is full.
        """
        if timeout is not None and timeout <= 0:
            raise is_too_late()
        size = self.limits.measure(inputs)
        self._requests += 1
        try:
            may_run_here = (
                self._is_alone()
                and not self._model.has_loops
                and size <= SMALL_BYTES
                and all(array.shape[:1] == (1,) for array in inputs.values())
            )
            if may_run_here:
                # Lets in what has arrived by now.
                await asyncio.sleep(0)
            if self._closing:
                raise unavailable("The model is being unloaded")
            started = time.perf_counter()
            if may_run_here and self._is_alone() and self._seconds <= _SHORT_SECONDS:
                values = self._run_here(inputs, outputs)
            else:
                values = await self._run_in_thread(inputs, outputs, timeout, size)
            if may_run_here and self._is_alone():
                self._seconds = time.perf_counter() - started
            return values
        finally:
            self._requests -= 1

    def _is_alone(self) -> bool:
        now = time.monotonic()
        if self._requests > 1:
            self._crowded = now
        return now - self._crowded > _CALM_SECONDS

    @abstractmethod
    def _run_here(self, inputs: Arrays, outputs: tuple[str, ...]) -> list[Array]:
        """Computes tensors in the calling thread."""

    @abstractmethod
    async def _run_in_thread(
        self, inputs: Arrays, outputs: tuple[str, ...], timeout: float | None, size: int
    ) -> list[Array]:
        """Computes tensors; see `run`. They count as `size` until the computation has ended."""

    @abstractmethod
    async def close(self) -> None:
        """Answers the requests that are in and refuses later ones."""


class DirectRunner(Runner):
    """Runs each request on its own."""

    def __init__(
        self, model: SavedModel, num_threads: int | None = None, limits: Limits | None = None
    ) -> None:
        super().__init__(model, limits)
        self._threads = ThreadPoolExecutor(num_threads or os.cpu_count(), "model")

    def _run_here(self, inputs: Arrays, outputs: tuple[str, ...]) -> list[Array]:
        return self._model.run(inputs, outputs)

    async def _run_in_thread(
        self, inputs: Arrays, outputs: tuple[str, ...], timeout: float | None, size: int
    ) -> list[Array]:
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        taken = self.limits.take(size)
        running = self._threads.submit(self._model.run, inputs, outputs, deadline)
        if taken:
            running.add_done_callback(lambda _: self.limits.give_back(taken))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(running), timeout)
        except asyncio.TimeoutError as error:
            raise is_too_late() from error

    async def close(self) -> None:
        """See `Runner`."""
        self._closing = True
        await asyncio.to_thread(self._threads.shutdown)


async def in_thread_if(large: bool, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    """Calls a function, in a thread where its arguments are large."""
    if large:
        return await asyncio.to_thread(function, *args, **kwargs)
    return function(*args, **kwargs)
