"""Ctrl-C during a run, also where Python would lose it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def remembered_interrupts() -> Iterator[Callable[[], None]]:
    """Raises KeyboardInterrupt at Ctrl-C as ever, and remembers it.

    Python drops an exception that is raised in a destructor or a callback from C, and the
    libraries of a run are full of both while they load: the run would go on as if nobody had
    asked it to stop.

    Yields:
        A function that raises KeyboardInterrupt where there was one that nobody heard.
    """
    # Only there does Python take signals, and only there may handlers be set.
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    lost = False

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal lost
        lost = True
        raise KeyboardInterrupt

    def check() -> None:
        if lost:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
