"""Starts and stops the programs that are measured."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx

from schema import names
from serving.server.ports import free_ports

_START_SECONDS = 120.0
# More than any load has clients, so that none is refused.
_THREADS = "--grpc_max_threads=256"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def echo_server() -> Iterator[str]:
    """Runs the echo server; gives its address."""
    port, _ = free_ports()
    program = str(Path(__file__).with_name("echo_server.py"))
    with _running([sys.executable, program, str(port)]) as process:
        _wait(process, lambda: _listens(port))
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def model_server(base_path: Path, *flags: str) -> Iterator[tuple[str, str]]:
    """Runs the local model server; gives the gRPC address and the REST URL."""
    grpc_port, rest_port = free_ports()
    command = [
        *(sys.executable, "-m", "serving.server", f"--model_name={names.MODEL_NAME}"),
        *(f"--model_base_path={base_path.absolute()}", f"--port={grpc_port}", _THREADS),
        *(f"--rest_api_port={rest_port}", *flags),
    ]
    url = f"http://127.0.0.1:{rest_port}"
    with _running(command) as process:
        _wait(process, lambda: serves(url))
        yield f"127.0.0.1:{grpc_port}", url


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


def resident_bytes(pid: int) -> int:
    """Returns the memory that a process holds now, 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
