"""Follows the changes of the file that says which models are served."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from schema.errors import UsageError
from serving.server.config import read_model_config_file
from serving.server.errors import ServingError
from serving.server.store.models import ModelStore

_logger = logging.getLogger(__name__)


async def poll_config_file(store: ModelStore, path: Path, wait_seconds: float) -> None:
    """Reads a `--model_config_file` again and again, and gives the store what it says.

    What can't be read or taken is logged, once as long as it stays the same, and what served
    goes on serving. Runs until it is cancelled.

    Args:
        store: The models that are served.
        path: The file.
        wait_seconds: Time between two readings (`--model_config_file_poll_wait_seconds`, where
            it is more than 0).

    Source: PollFilesystemAndReloadConfig in TF Serving's model_servers/server.cc.
    """
    last = ""
    while True:
        await asyncio.sleep(wait_seconds)
        try:
            await store.reload(await asyncio.to_thread(read_model_config_file, path))
        except Exception as error:
            # Whatever is wrong with this reading, the next one must come.
            known = isinstance(error, UsageError | ServingError)
            if repr(error) != last:
                _logger.error(
                    "Failed to reload the model config file %s: %s", path, error, exc_info=not known
                )
            last = repr(error)
        else:
            last = ""
