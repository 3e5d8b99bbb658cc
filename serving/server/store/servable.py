"""A loaded version of a model, and the state of a version."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from serving.server.model.runners import Runner
from serving.server.model.saved_model import SavedModel

State = Literal["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]


@dataclass(frozen=True)
class VersionStatus:
    """What GetModelStatus says about a version.

    Attributes:
        version: Its number.
        state: The name of the state, as in get_model_status.proto.
        code: The status code of the error that ended it; 0 where there is none.
        message: The error's message.
    """

    version: int
    state: State
    code: int = 0
    message: str = ""


@dataclass(eq=False)
class Servable:
    """A loaded version of a model.

    It belongs to the event loop: leases are counted without a lock.

    Attributes:
        name: Name of the model.
        version: Number of the version.
        model: The SavedModel.
        runner: What computes requests: one by one, or in batches.
    """

    name: str
    version: int
    model: SavedModel
    runner: Runner
    _leases: int = field(default=0, init=False)
    _idle: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        self._idle.set()

    @property
    def in_use(self) -> bool:
        """Whether requests are being computed on it."""
        return self._leases > 0

    @contextmanager
    def lease(self) -> Iterator[Servable]:
        """Keeps the version loaded for the time of a request."""
        self._leases += 1
        self._idle.clear()
        try:
            yield self
        finally:
            self._leases -= 1
            if not self._leases:
                self._idle.set()

    async def close(self) -> None:
        """Frees the model once the last lease has ended."""
        await self._idle.wait()
        await self.runner.close()
        await asyncio.to_thread(self.model.close)
