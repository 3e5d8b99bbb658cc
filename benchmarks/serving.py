"""Requests a second and latencies of the local model server.

    python -m benchmarks.serving --model out

One abstract a request from 1, 8 and 64 gRPC clients, against an empty echo server on the same
library, the model server with batching off, and with batching on.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
import grpc
import httpx
import numpy as np

from benchmarks.speed.tables import table
from pipeline.sample.generator import generate
from schema import names
from serving.client.grpc_transport import make_request
from serving.client.messages import PREDICT_METHOD
from serving.client.transport import Target
from serving.predict import find_model
from serving.server.ports import free_ports

_CLIENTS: Final = (1, 8, 64)
_SWAP: Final = "batching on, a version swapped"
_WARM_UP_SECONDS: Final = 1.0
_TEXTS: Final = 256
_START_SECONDS: Final = 120.0
# More than any load has clients, so that none is refused.
_THREADS: Final = "--grpc_max_threads=256"


@dataclass(frozen=True)
class Load:
    """The answers that a number of clients got.

    Attributes:
        seconds: How long they ran.
        latencies: Seconds of each answered request.
        failures: Requests that failed, by status code and message.
    """

    seconds: float
    latencies: Sequence[float]
    failures: Sequence[str]

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Returns the latency, in milliseconds, that so many of the requests stayed under."""
        return 1e3 * float(np.percentile(self.latencies or [np.nan], percent))


@click.command()
@click.option("--model", default="out", show_default=True, help="As `arxiv-tagger predict` has it.")
@click.option("--seconds", default=5.0, show_default=True, help="Length of each round.")
@click.option("--rounds", default=3, show_default=True, help="The medians are shown.")
def main(model: str, seconds: float, rounds: int) -> None:
    """Measures the local model server on a pushed model."""
    click.echo(table("load", measure_load(find_model(model), rounds, seconds)))


def measure_load(version: Path, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Asks the echo server and the model server: batching off, on, and while a version is swapped.

    Args:
        version: The folder of a pushed version.
        rounds: Each server takes its turn in every round, so a slow spell of the machine meets
            them all.
        seconds: Length of each turn.

    Returns:
        For each server and number of clients the medians over the rounds: `server`, `clients`,
        `rate` (requests a second), `p50_ms`, `p99_ms`; and the sum of `failures`.
    """
    payloads = [predict_request(text) for text in abstracts(_TEXTS)]
    loads: dict[tuple[str, int], list[Load]] = {}
    with (
        TemporaryDirectory() as folder,
        echo_server() as echo,
        model_server(version.parent) as (single, _, _),
        model_server(add_version(version, Path(folder), 1), "--enable_batching") as batched,
    ):
        servers = {"echo": echo, "batching off": single, "batching on": batched[0]}
        for turn in range(rounds):
            for clients in _CLIENTS:
                for name, address in servers.items():
                    asyncio.run(ask(address, payloads, clients, _WARM_UP_SECONDS))
                    load = asyncio.run(ask(address, payloads, clients, seconds))
                    loads.setdefault((name, clients), []).append(load)
            # The server notices it within a second.
            add_version(version, Path(folder), turn + 2)
            load = asyncio.run(ask(batched[0], payloads, clients, seconds))
            if not serves(batched[1], turn + 2):
                raise RuntimeError(
                    f"A version was not swapped in {seconds:g} s: measure longer rounds."
                )
            loads.setdefault((_SWAP, clients), []).append(load)
    return [
        {
            "server": name,
            "clients": clients,
            "rate": statistics.median(each.rate for each in found),
            "p50_ms": statistics.median(each.percentile(50) for each in found),
            "p99_ms": statistics.median(each.percentile(99) for each in found),
            "failures": sum(len(each.failures) for each in found),
        }
        for (name, clients), found in loads.items()
    ]


async def ask(address: str, payloads: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Lets clients call Predict until the time is over, one request at a time each.

    Requests and answers stay bytes, so that the clients cost as little as possible.

    Args:
        address: Host and port.
        payloads: Serialized requests; each client takes them in turn.
        clients: How many ask at the same time.
        seconds: How long.
    """
    latencies: list[float] = []
    failures: list[str] = []
    # Channels of equal arguments would share one connection.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(clients)]
    start = time.perf_counter()
    end = start + seconds

    async def client(number: int, channel: grpc.aio.Channel) -> None:
        call = channel.unary_unary(PREDICT_METHOD)
        turns = itertools.count(number)
        while (before := time.perf_counter()) < end:
            try:
                await call(payloads[next(turns) % len(payloads)])
            except grpc.aio.AioRpcError as error:
                failures.append(f"{error.code().name}: {error.details()}")
            else:
                latencies.append(time.perf_counter() - before)

    try:
        await asyncio.gather(*(client(number, each) for number, each in enumerate(channels)))
    finally:
        for channel in channels:
            await channel.close()
    return Load(time.perf_counter() - start, latencies, failures)


def abstracts(count: int) -> list[str]:
    """Returns this many invented abstracts of the usual length, always the same."""
    return [row.summaries for row in generate(count, seed=7)]


def predict_request(text: str) -> bytes:
    """Returns the serialized Predict request of one text."""
    return bytes(make_request(Target(names.MODEL_NAME), [text]).SerializeToString())


def add_version(version: Path, base: Path, number: int) -> Path:
    """Adds a copy of a version to a base path at once, and returns the base path."""
    shutil.copytree(version, base / "_coming").rename(base / str(number))
    return base


@contextlib.contextmanager
def echo_server() -> Iterator[str]:
    """Runs the echo server; gives its address."""
    port, _ = free_ports()
    program = str(Path(__file__).with_name("echo_server.py"))
    with _running([sys.executable, program, str(port)]) as process:
        _wait(process, lambda: _listens(port))
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def model_server(base_path: Path, *flags: str) -> Iterator[tuple[str, str, int]]:
    """Runs the local model server; gives the gRPC address, the REST URL, and the process id."""
    grpc_port, rest_port = free_ports()
    command = [
        *(sys.executable, "-m", "serving.server", f"--model_name={names.MODEL_NAME}"),
        *(f"--model_base_path={base_path.absolute()}", f"--port={grpc_port}", _THREADS),
        *(f"--rest_api_port={rest_port}", *flags),
    ]
    url = f"http://127.0.0.1:{rest_port}"
    with _running(command) as process:
        _wait(process, lambda: serves(url))
        yield f"127.0.0.1:{grpc_port}", url, process.pid


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait(process: subprocess.Popen[bytes], is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_ready():
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}.")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not answer in {_START_SECONDS:.0f} s.")
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def serves(url: str, version: int | None = None) -> bool:
    """Says whether a server answers for the model, or for that version of it."""
    path = f"/versions/{version}" if version else ""
    try:
        answer = httpx.get(f"{url}/v1/models/{names.MODEL_NAME}{path}", timeout=5, trust_env=False)
    except httpx.TransportError:
        return False
    states = answer.json().get("model_version_status", [])
    return any(each["state"] == "AVAILABLE" for each in states)


if __name__ == "__main__":
    main()
