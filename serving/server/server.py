"""The model server: gRPC and REST on one event loop, from the start to the last request."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import os
import signal
import socket
from collections.abc import Iterator
from typing import Final

import grpc
import uvicorn
import uvloop
from grpc_health.v1 import health

from schema.errors import UsageError
from serving.server.access import RestGuard, read_credentials, read_token_file
from serving.server.api.grpc_service import add_health_service, make_grpc_server
from serving.server.api.http_protocol import HttpProtocol
from serving.server.api.rest import make_rest_app
from serving.server.api.warm_up import play_warm_up
from serving.server.config import (
    MONITORING_PATH,
    follow_model_config_file,
    read_models,
    read_monitoring_file,
)
from serving.server.errors import ServingError
from serving.server.monitoring import Monitoring
from serving.server.options import ServerOptions
from serving.server.ports import address_of, explain_bind_error, most_connections, reserve
from serving.server.store.model_versions import Loader
from serving.server.store.models import ModelStore

_logger = logging.getLogger(__name__)

# How long running requests may take after a signal to stop.
GRACE_SECONDS: Final = 30.0
_UNLOAD_SECONDS: Final = 5.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_BACKLOG: Final = 2048
_POLL_SECONDS: Final = 0.005


class ModelServer:
    """Serves models over gRPC and REST until it is stopped.

    Make it, `start` it and `stop` it on one event loop.

    Attributes:
        grpc_port: The port of gRPC, from `start` on; 0 where only a UNIX socket offers it.
        rest_port: The port of REST, from `start` on; 0 where REST is off.
    """

    def __init__(self, options: ServerOptions) -> None:
        """Reads the configuration files.

        Raises:
            UsageError: Options that contradict each other, or a file that can't be read.
        """
        if options.use_alts_credentials:
            raise UsageError("This server has no --use_alts_credentials. Give --ssl_config_file.")
        self._options = options
        self._store = ModelStore(read_models(options), options, Loader(options, play_warm_up))
        file = options.auth_token_file
        self._token = read_token_file(file) if file else None
        file = options.ssl_config_file
        self._credentials = read_credentials(file) if file else None
        file = options.monitoring_config_file
        self._metrics = read_monitoring_file(file) if file else MONITORING_PATH
        self._monitoring = Monitoring(lambda: self._store.names)
        self.grpc_port = 0
        self.rest_port = 0
        self._grpc: grpc.aio.Server | None = None
        self._health: health.aio.HealthServicer | None = None
        self._rest: _RestServer | None = None
        self._rest_task: asyncio.Task[None] | None = None
        self._config_poll: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Loads the models, then listens; when it returns, requests are answered.

        Call `stop` even where it fails or is cancelled.

        Raises:
            UsageError: A port is taken.
            ServingError: A model can't be loaded; see `ModelStore.start`.
        """
        options = self._options
        rest = options.rest_api_port
        if rest and rest == options.port:
            raise UsageError(f"gRPC and REST can't share port {rest}. Choose another --port.")
        self._most_connections = most_connections(options.rest_api_max_connections)
        # Held while the models load, which takes long: a port that is taken is reported at once.
        grpc_socket = rest_socket = None
        try:
            if options.port or not options.grpc_socket_path:
                grpc_socket = reserve(options.host, options.port, "--port")
                self.grpc_port = grpc_socket.getsockname()[1]
            if rest is not None:
                rest_socket = reserve(options.host, rest, "--rest_api_port")
                self.rest_port = rest_socket.getsockname()[1]
            await self._store.start()
            await self._start_grpc()
            if rest_socket:
                address = address_of(options.host, self.rest_port)
                with explain_bind_error(address, "--rest_api_port"):
                    rest_socket.listen(_BACKLOG)
                await self._start_rest(rest_socket)
        except BaseException:
            if rest_socket:
                rest_socket.close()
            raise
        finally:
            if grpc_socket:
                grpc_socket.close()
        file, wait = options.model_config_file, options.model_config_file_poll_wait_seconds
        if file and wait > 0:
            following = follow_model_config_file(file, wait, self._store.reload)
            self._config_poll = asyncio.create_task(following)

    async def stop(self, grace: float = GRACE_SECONDS) -> bool:
        """Takes no new requests, lets running ones finish, and unloads the models.

        Args:
            grace: Seconds after which running requests are cut off.

        Returns:
            Whether everything is unloaded; else a model is still computing, in a thread that can't
            be stopped.
        """
        if self._config_poll:
            self._config_poll.cancel()
        if self._health:
            await self._health.enter_graceful_shutdown()
        if self._rest:
            self._rest.config.timeout_graceful_shutdown = math.ceil(grace)
            self._rest.should_exit = True
        if self._grpc:
            await self._grpc.stop(grace)
        if self._rest_task:
            await self._rest_task
        try:
            await asyncio.wait_for(self._store.close(), _UNLOAD_SECONDS)
        except asyncio.TimeoutError:
            return False
        return True

    async def _start_grpc(self) -> None:
        self._grpc = make_grpc_server(self._store, self._monitoring, self._options, self._token)
        if self._options.enable_grpc_healthcheck_service:
            self._health = await add_health_service(self._grpc)
        addresses = {}
        if self.grpc_port:
            addresses["--port"] = address_of(self._options.host, self.grpc_port)
        if self._options.grpc_socket_path:
            addresses["--grpc_socket_path"] = f"unix:{self._options.grpc_socket_path}"
        for flag, address in addresses.items():
            with explain_bind_error(address, flag):
                if self._credentials is None:
                    self._grpc.add_insecure_port(address)
                else:
                    self._grpc.add_secure_port(address, self._credentials)
        await self._grpc.start()
        _logger.info("Running gRPC ModelServer at %s ...", " and ".join(addresses.values()))

    async def _start_rest(self, listener: socket.socket) -> None:
        app = make_rest_app(self._store, self._monitoring, self._options, self._metrics)
        self._rest = _RestServer(
            uvicorn.Config(
                RestGuard(app, host=self._options.host, token=self._token),
                http=HttpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=self._options.rest_api_idle_timeout_seconds,
                limit_concurrency=self._most_connections,
            )
        )
        self._rest_task = asyncio.create_task(self._rest.serve(sockets=[listener]))
        while not self._rest.started and not self._rest_task.done():
            await asyncio.sleep(_POLL_SECONDS)
        if self._rest_task.done():
            await self._rest_task
        address = address_of(self._options.host, self.rest_port)
        _logger.info("Exporting HTTP/REST API at:%s ...", address)


class _RestServer(uvicorn.Server):
    """Uvicorn without its signal handlers: a signal stops both servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        """Looks once a second for connections to end; Uvicorn calls it ten times a second."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                if isinstance(connection, HttpProtocol):
                    connection.end_if_still(now)
        return await super().on_tick(counter)


def run_server(options: ServerOptions) -> None:
    """Serves until SIGTERM or SIGINT; then running requests finish before it returns.

    Raises:
        UsageError: Wrong options or files, a port that is taken, or models that can't be loaded.
    """
    # What the libraries loaded stays as long as the process. A full collection would walk through
    # it for more than 0.1 s, in which no request is answered.
    gc.collect()
    gc.freeze()
    try:
        uvloop.run(_serve(options))
    except ServingError as error:
        raise UsageError(
            f"{error}. Correct the model or the labels, or serve another version."
        ) from error


async def _serve(options: ServerOptions) -> None:
    server = ModelServer(options)
    serving = asyncio.create_task(_start_and_wait(server))
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    await asyncio.wait({serving})
    failure = None if serving.cancelled() else serving.exception()
    if failure is None:
        _logger.info("Stopping: running requests may take %g s more ...", GRACE_SECONDS)
    if not await server.stop():
        _logger.warning("A model is still computing: the process ends without it")
        # A normal exit would wait for its thread, and only then report what failed.
        if failure is not None:
            _logger.error("The server can't start: %s", failure)
        logging.shutdown()
        os._exit(0 if failure is None else 1)
    if failure is not None:
        raise failure


async def _start_and_wait(server: ModelServer) -> None:
    await server.start()
    # Until a signal cancels it.
    await asyncio.Event().wait()
