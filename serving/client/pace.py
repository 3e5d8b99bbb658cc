"""Keeps a client's threads from asking a server for more at once than it takes."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from serving.client.transport import CallError, Fault

# What a round of answers adds to the limit: one more call after ten rounds.
_GROWTH: Final = 0.1


class Pace:
    """Limits how many calls are on their way at once.

    TensorFlow Serving's gRPC server refuses a call at once when all its threads are taken. What is
    on its way then is all that it takes, so that becomes the limit; before, there is none. The
    limit grows slowly, so that a server that got more threads, or has lost other clients, is used.
    """

    def __init__(self) -> None:
        self._limit = math.inf
        self._running = 0
        self._changed = threading.Condition()

    @contextmanager
    def call(self, timeout: float) -> Iterator[None]:
        """Waits for its turn, and counts as on its way until the context closes.

        Raises:
            CallError: BUSY: it was not its turn within `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._running + 1 <= self._limit, timeout):
                raise CallError(Fault.BUSY, "this client's earlier calls have no answer yet")
            self._running += 1
        fault = None
        try:
            yield
        except CallError as error:
            fault = error.fault
            raise
        finally:
            with self._changed:
                self._running -= 1
                if fault is Fault.BUSY:
                    self._limit = max(1.0, min(self._limit, self._running))
                elif fault is None:
                    self._limit += _GROWTH / self._limit
                # This call's place, and one more that the growth may have made.
                self._changed.notify(2)
