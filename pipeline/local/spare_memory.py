"""Gives memory that a component no longer uses back to the system before the next one starts."""

from __future__ import annotations

import ctypes
import gc


def give_back_memory() -> None:
    """Collects garbage, and has glibc return its free pages.

    All components share one process. What Beam held in small pieces stays with the C library
    otherwise, and counts beside what the next component needs. Other C libraries return what
    they return.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
