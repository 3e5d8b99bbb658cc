"""A loaded version of a model, and the requests that hold it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from serving.server.model.runners import Runner
from serving.server.model.saved_model import SavedModel
from serving.server.store.request_log import RequestLog


@dataclass(eq=False)
class Servable:
    """A loaded version of a model, which stays loaded while a request has entered its context.

    It belongs to the event loop: leases are counted without a lock.

    Attributes:
        name: Name of the model.
        version: Number of the version.
        model: The SavedModel.
        runner: What computes requests: one by one, or in batches.
        check_method_names: Whether only signatures of that method classify and regress
            (`--enable_signature_method_name_check`).
        request_log: Takes its Predict requests; None where they are not logged.
    """

    name: str
    version: int
    model: SavedModel
    runner: Runner
    check_method_names: bool = False
    request_log: RequestLog | None = field(default=None, init=False)
    _leases: int = field(default=0, init=False)
    _idle: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        self._idle.set()

    @property
    def in_use(self) -> bool:
        """Whether requests are being computed on it."""
        return self._leases > 0

    def __enter__(self) -> Servable:
        self._leases += 1
        self._idle.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._leases -= 1
        if not self._leases:
            self._idle.set()

    async def close(self) -> None:
        """Frees the model once the last lease has ended."""
        await self._idle.wait()
        await self.runner.close()
        await asyncio.to_thread(self.model.close)
