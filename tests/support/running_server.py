"""A model server in this process, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from serving.server.options import ServerOptions
from serving.server.server import ModelServer
from tests.support.saved_models import half_plus_two, small_tagger

_T = TypeVar("_T")


class RunningServer:
    """A server that listens.

    Attributes:
        server: The server; call its methods by `do`.
        grpc_address: `host:port`.
        rest_url: `http://host:port`.
    """

    def __init__(self, server: ModelServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self._loop = loop
        self.grpc_address = f"127.0.0.1:{server.grpc_port}"
        self.rest_url = f"http://127.0.0.1:{server.rest_port}"

    def do(self, coroutine: Coroutine[Any, Any, _T], timeout: float = 60) -> _T:
        """Runs something on the server's event loop, and returns what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)


@contextmanager
def running(options: ServerOptions) -> Iterator[RunningServer]:
    """Runs a server on free ports while the context is open."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def make() -> ModelServer:
        free = 0 if options.rest_api_port is not None else None
        return ModelServer(replace(options, port=0, rest_api_port=free))

    def do(coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)

    server = do(make())
    try:
        do(server.start())
        yield RunningServer(server, loop)
    finally:
        do(server.stop(5))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def two_models(folder: Path) -> ServerOptions:
    """Saves `half` (y = x / 2 + 2; versions 1, and 7 with + 3) and `tagger`, to be served.

    All versions are served; `half` has the label `stable` at version 1.
    """
    half_plus_two(folder / "half" / "1")
    half_plus_two(folder / "half" / "7", add=3.0)
    small_tagger(folder / "tagger" / "00000123")
    config = folder / "models.config"
    config.write_text(
        f"""model_config_list {{
          config {{ name: "half" base_path: "{folder}/half" model_platform: "tensorflow"
                    model_version_policy {{ all {{}} }}
                    version_labels {{ key: "stable" value: 1 }} }}
          config {{ name: "tagger" base_path: "{folder}/tagger" model_platform: "tensorflow" }}
        }}"""
    )
    return ServerOptions(
        model_config_file=config,
        allow_version_labels_for_unavailable_models=True,
        enable_grpc_healthcheck_service=True,
    )
