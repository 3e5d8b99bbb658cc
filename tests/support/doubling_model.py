"""A stand-in for a SavedModel whose runs a test holds up and looks at."""

from __future__ import annotations

import asyncio
import math
import threading

import numpy as np
import pytest

from serving.server.errors import ServingError, invalid_argument

PATIENCE = 30.0


class DoublingModel:
    """Doubles its inputs; can be held up, and keeps the input "x" of every run, and its thread."""

    has_loops = False

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[np.ndarray] = []
        self.deadlines: list[float] = []
        self.threads: list[int] = []
        self._go = threading.Event()
        self.release = self._go.set
        if not held:
            self.release()

    def run(self, inputs, outputs, deadline=math.inf):
        self.threads.append(threading.get_ident())
        self.batches.append(inputs["x"])
        self.deadlines.append(deadline)
        assert self._go.wait(PATIENCE)
        if inputs["x"].dtype == np.float32 and np.isnan(inputs["x"]).any():
            raise invalid_argument("not a number")
        return [inputs["x"] * 2 for _ in outputs]


def submit(runner, *values, dtype=np.float32, timeout: float | None = None) -> asyncio.Task:
    """Starts a request with these rows."""
    rows = np.array(values, dtype)
    return asyncio.ensure_future(runner.run({"x": rows}, ("y",), timeout=timeout))


async def refusal(request: asyncio.Future) -> ServingError:
    with pytest.raises(ServingError) as caught:
        await request
    return caught.value
