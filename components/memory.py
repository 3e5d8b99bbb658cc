"""Gives memory back to the system."""

from __future__ import annotations

import ctypes
import gc


def release_memory() -> None:
    """Collects garbage, and has glibc return its free pages to the system.

    What was held in small pieces would stay with the C library, and count beside what the next
    component of the same process needs. Other C libraries have no such function.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
