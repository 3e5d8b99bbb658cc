"""The servers that the suite can run on, and how each is started."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import grpc
import httpx
import pytest

from serving.server.ports import free_ports

LOCAL = "local"
BINARY = "tensorflow_model_server"
DOCKER = "docker"
ADDRESS = "address"
NAMES = (LOCAL, BINARY, DOCKER, ADDRESS)

# The version whose words the suite states, the one that serving/deploy pins, whatever is there.
_IMAGES = ("tensorflow/serving:2.16.1", "tensorflow/serving:2.21.0", "tensorflow/serving:latest")
# What the suite takes for granted and a server does only when told: it checks a signature's method
# name, gives up at once on a version that can't be loaded, and takes more than 4 calls a core at
# once over gRPC (server.cc SetMaxThreads: those beyond are refused with RESOURCE_EXHAUSTED).
_TAKEN_FOR_GRANTED = {
    "enable_signature_method_name_check": True,
    "max_num_load_retries": 0,
    "load_retry_interval_micros": 0,
    "grpc_max_threads": 400,
}
_START_SECONDS = 300
_STOP_SECONDS = 10
_POLL_SECONDS = 0.05


class Address(NamedTuple):
    """Where a server listens, each `host:port`."""

    grpc: str
    rest: str


@dataclass(frozen=True)
class Target:
    """A kind of server.

    Attributes:
        name: The id of its tests.
        missing: Why it can't be tested here; empty if it can.
        image: Docker image, where that is what is run.
        address: Where it runs already, where it does.
    """

    name: str
    missing: str = ""
    image: str = ""
    address: Address | None = None

    def command(self, flags: Sequence[str], port: int, rest_port: int, folder: Path) -> list[str]:
        """Returns what starts a server on loopback that reads the files under a folder."""
        if self.name == LOCAL:
            ports = (f"--port={port}", f"--rest_api_port={rest_port}")
            return [sys.executable, "-m", "serving.server", *ports, *flags]
        if self.name == BINARY:
            ports = (f"--port={port}", f"--rest_api_port={rest_port}")
            return ["tensorflow_model_server", *ports, *flags]
        run = ["docker", "run", "--rm", "--init", "--entrypoint", "tensorflow_model_server"]
        run += ["--publish", f"127.0.0.1:{port}:8500", "--publish", f"127.0.0.1:{rest_port}:8501"]
        # At the same path, so that the files of configuration hold there, too; sockets are written.
        run += ["--volume", f"{folder}:{folder}", self.image]
        return [*run, "--port=8500", "--rest_api_port=8501", *flags]


@functools.cache
def find_targets(grpc_address: str | None, rest_address: str | None) -> tuple[Target, ...]:
    """Returns all targets, those that can't be tested with the reason.

    Args:
        grpc_address: A running server's `host:port`, if only that is to be tested.
        rest_address: Its other one.
    """
    if grpc_address and rest_address:
        other = "an address was given"
        found = Target(ADDRESS, address=Address(grpc_address, rest_address))
        return (*(Target(name, missing=other) for name in NAMES[:-1]), found)
    image, no_image = _find_image()
    return (
        Target(LOCAL),
        Target(BINARY, missing="" if shutil.which(BINARY) else "it is not on the PATH"),
        Target(DOCKER, missing=no_image, image=image),
        Target(ADDRESS, missing="--serving-grpc and --serving-rest were not both given"),
    )


def targets_of(config: pytest.Config) -> tuple[Target, ...]:
    """Returns the servers to test, the missing ones too."""
    # Where this file is read after the command line, the options are not there.
    addresses = [config.getoption(name, default=None) for name in ("serving_grpc", "serving_rest")]
    return find_targets(*addresses)


def describe(targets: Sequence[Target]) -> list[str]:
    """Returns a line on each target: tested, or why not."""
    return [
        f"{target.name}: {f'not tested: {target.missing}' if target.missing else 'tested'}"
        for target in targets
    ]


class RunningServer:
    """A server process that listens.

    Attributes:
        address: Where.
        log: The file with what it writes.
    """

    def __init__(self, process: subprocess.Popen[bytes], address: Address, log: Path) -> None:
        self._process = process
        self.address = address
        self.log = log

    def wait_ready(self, models: Sequence[str]) -> None:
        """Returns when a version of each model takes requests.

        Raises:
            RuntimeError: The process ended, or it takes too long.
        """
        deadline = time.monotonic() + _START_SECONDS
        waiting = set(models)
        with httpx.Client(base_url=f"http://{self.address.rest}", trust_env=False) as client:
            while waiting or not _listens(self.address.grpc):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"The server does not start:\n{self.log.read_text()}")
                with suppress(httpx.TransportError):
                    waiting -= {name for name in waiting if _serves(client, name)}
                time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ends the process."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def run_server(
    target: Target, folder: Path, models: Sequence[str], flags: Mapping[str, object]
) -> Iterator[RunningServer]:
    """Runs a server while the context is open.

    Args:
        target: Which.
        folder: Holds all files that it reads; its log goes there.
        models: The models to wait for.
        flags: Its flags but for the ports, by name; they go before those of every server.
    """
    port, rest_port = free_ports()
    log = folder / f"{target.name}-{port}.log"
    process = start(target, folder, flags, port, rest_port, log)
    server = RunningServer(process, Address(f"127.0.0.1:{port}", f"127.0.0.1:{rest_port}"), log)
    try:
        server.wait_ready(models)
        yield server
    finally:
        server.stop()


def start(
    target: Target, folder: Path, flags: Mapping[str, object], port: int, rest_port: int, log: Path
) -> subprocess.Popen[bytes]:
    """Starts a server, and does not wait for it."""
    given = {**_TAKEN_FOR_GRANTED, **flags}
    texts = [f"--{name}={_flag_text(value)}" for name, value in given.items()]
    with log.open("wb") as file:
        return subprocess.Popen(
            target.command(texts, port, rest_port, folder),
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        )


def _find_image() -> tuple[str, str]:
    """Returns the image to run, or why there is none."""
    if not shutil.which("docker"):
        return "", "there is no docker command"
    reason = ""
    for image in _IMAGES:
        done = subprocess.run(
            ["docker", "image", "inspect", image], capture_output=True, text=True, timeout=20
        )
        if done.returncode == 0:
            return image, ""
        reason = (done.stderr.strip().splitlines() or ["docker says nothing"])[0]
    return "", f"no image {' or '.join(_IMAGES)}: {reason}"


def _listens(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=1)
        except grpc.FutureTimeoutError:
            return False
    return True


def _serves(client: httpx.Client, model: str) -> bool:
    answer = client.get(f"/v1/models/{model}")
    statuses = answer.json().get("model_version_status", []) if answer.is_success else []
    return any(status["state"] == "AVAILABLE" for status in statuses)


def _flag_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
