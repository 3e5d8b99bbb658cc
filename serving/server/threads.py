"""Keeps the event loop free of what takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


async def in_thread_if(large: bool, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    """Calls a function, in a thread where its arguments are large."""
    if large:
        return await asyncio.to_thread(function, *args, **kwargs)
    return function(*args, **kwargs)
