"""Loads a version of a model, ready for its first request."""

from __future__ import annotations

import asyncio
from pathlib import Path

from serving.server.model.runners import BatchingOptions, BatchingRunner, DirectRunner
from serving.server.model.saved_model import load_saved_model
from serving.server.store.servable import Servable
from serving.server.store.warm_up import play_warm_up


async def load_servable(
    name: str, version: int, path: Path, batching: BatchingOptions | None
) -> Servable:
    """Loads a version of a model and plays its warm-up.

    Args:
        name: Name of the model.
        version: Number of the version.
        path: Its folder.
        batching: How its requests are gathered into batches; None computes each on its own.

    Raises:
        ServingError: It can't be loaded, or a warm-up request failed.
    """
    model = await asyncio.to_thread(load_saved_model, path)
    runner = DirectRunner(model) if batching is None else BatchingRunner(model, batching)
    servable = Servable(name, version, model, runner)
    try:
        await play_warm_up(servable)
    except BaseException:
        await servable.close()
        raise
    return servable
