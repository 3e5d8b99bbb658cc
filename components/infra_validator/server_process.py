"""A model server in a process of its own, which lives as long as a context is open."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx

from schema import names
from schema.errors import TaggerError
from serving.server.ports import free_ports

# Answers of a server that is busy, out of memory or shutting down: the model may be fine.
TRANSIENT_CODES: Final = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"}
)

TF_SERVING: Final = "tensorflow_model_server"
LOCAL_SERVER: Final = "local model server"

# The module by its full name, so that the source digest covers what the process runs.
_LOCAL_MODULE: Final = "serving.server.__main__"
_ROOT: Final = Path(__file__).resolve().parents[2]

# A server would try a broken model six times in five minutes, and take `classify` by any name.
_STRICTLY: Final = (
    *("--max_num_load_retries=0", "--load_retry_interval_micros=0"),
    "--enable_signature_method_name_check=true",
)
# What TF Serving prints when it gives up on a model and exits.
_LOAD_FAILED: Final = "did not become available"
# Signs that the machine failed, not the model.
_NO_MEMORY: Final = re.compile(
    "resource.exhausted|bad_alloc|out of memory|cannot allocate|temporarily unavailable|no space",
    re.IGNORECASE,
)
_CRASHES: Final = frozenset({-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGFPE, -signal.SIGBUS})

_POLL_SECONDS: Final = 0.1
_POLL_TIMEOUT_SECONDS: Final = 5.0
_TAIL_LINES: Final = 12
_TAIL_CHARACTERS: Final = 4_000


class UnservableModelError(Exception):
    """The model can't be served, and the server is not to blame."""


class ServerProcess:
    """Serves one model on free loopback ports.

    The program is `tensorflow_model_server` if it is on the PATH, else this project's local model
    server. It sees no GPU: it must not compete with a training for memory, and its answers are
    compared with those of a CPU.

    Attributes:
        kind: TF_SERVING or LOCAL_SERVER.
        grpc_address: `host:port`.
        rest_url: `http://host:port`.
    """

    def __init__(self, base_path: Path, log: Path) -> None:
        """Prepares the server; entering the context starts it.

        Args:
            base_path: Parent of the numbered versions.
            log: File for everything that the server prints.
        """
        self._base_path = base_path
        self._log = log
        self.kind = TF_SERVING if shutil.which(TF_SERVING) else LOCAL_SERVER
        self.grpc_address = ""
        self.rest_url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ServerProcess:
        """Starts the process.

        Raises:
            TaggerError: The server can't be started, for example because no port is free.
        """
        local = [sys.executable, "-m", _LOCAL_MODULE]
        program = [TF_SERVING] if self.kind == TF_SERVING else local
        modules = [str(_ROOT), *(path for path in sys.path if path)]
        environment = {
            **os.environ,
            "CUDA_VISIBLE_DEVICES": "-1",
            "PYTHONPATH": os.pathsep.join(modules),
            "PYTHONUNBUFFERED": "1",
        }
        try:
            grpc_port, rest_port = free_ports()
            self.grpc_address = f"127.0.0.1:{grpc_port}"
            self.rest_url = f"http://127.0.0.1:{rest_port}"
            flags = [
                f"--model_name={names.MODEL_NAME}",
                f"--model_base_path={self._base_path}",
                f"--port={grpc_port}",
                f"--rest_api_port={rest_port}",
                *_STRICTLY,
            ]
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [*_kill_on_parent_exit(), *program, *flags],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._base_path,
                    env=environment,
                )
        except OSError as error:
            raise TaggerError(
                f"The {self.kind} can't be started to check the model: {error}. "
                "Correct that and run again; finished steps are kept."
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Kills the process: nobody else asks it, and a graceful end takes a second."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Id of the process."""
        assert self._process is not None
        return self._process.pid

    def wait_until_available(self, timeout: float) -> None:
        """Returns when the server reports the model as AVAILABLE.

        Args:
            timeout: Seconds that it may take.

        Raises:
            UnservableModelError: The server can't load the model, or crashes on it.
            TaggerError: The server is not up in time, or ended for a reason of its own.
        """
        deadline = time.monotonic() + timeout
        with httpx.Client(timeout=_POLL_TIMEOUT_SECONDS, trust_env=False) as client:
            while time.monotonic() < deadline:
                self.raise_if_ended()
                version = self._version_status(client)
                if version.get("state") == "AVAILABLE":
                    return
                if version.get("state") == "END":
                    self._raise_for_end(version.get("status", {}))
                time.sleep(_POLL_SECONDS)
        raise TaggerError(
            f"The {self.kind} had not loaded the model after {timeout:g} seconds. Raise "
            "infra.start_timeout_seconds, or run again when the machine is less busy.\n"
            f"{self.log_tail()}"
        )

    def raise_if_ended(self, wait: float = 0.0) -> None:
        """Raises if the process has ended.

        Args:
            wait: Seconds to wait for its end, after a connection was lost.

        Raises:
            UnservableModelError: It crashed, or gave up on the model.
            TaggerError: It ended for another reason.
        """
        assert self._process is not None
        try:
            code = self._process.wait(wait)
        except subprocess.TimeoutExpired:
            return
        tail, log = self.log_tail(), self._read_log()
        if not _NO_MEMORY.search(log):
            if code in _CRASHES:
                name = signal.Signals(-code).name
                raise UnservableModelError(f"the {self.kind} crashed ({name})\n{tail}")
            if _LOAD_FAILED in log:
                raise UnservableModelError(
                    f"the {self.kind} exited because it can't load the model\n{tail}"
                )
        raise TaggerError(
            f"The {self.kind}, started to check the model, ended with code {code}. "
            f"Correct that and run again; finished steps are kept.\n{tail}"
        )

    def log_tail(self) -> str:
        """Returns the last lines of the log, indented."""
        # One message may list thousands of operations on one line.
        lines = self._read_log()[-_TAIL_CHARACTERS:].splitlines()
        return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:] if line.strip())

    def _read_log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def _version_status(self, client: httpx.Client) -> dict[str, Any]:
        """Returns the status of the only version; empty until the server answers.

        See "Model status API" in TF Serving's guide to its REST API.
        """
        try:
            response = client.get(f"{self.rest_url}/v1/models/{names.MODEL_NAME}")
        except httpx.TransportError:
            return {}
        if response.status_code != httpx.codes.OK:
            return {}
        versions = response.json()["model_version_status"]
        return dict(versions[0]) if versions else {}

    def _raise_for_end(self, status: dict[str, str]) -> None:
        message = status.get("error_message") or "no reason given"
        if status.get("error_code") in TRANSIENT_CODES:
            raise TaggerError(
                f"The {self.kind} could not load the model this time: {message}. "
                "Run again when the machine is less busy."
            )
        raise UnservableModelError(f"the {self.kind} can't load the model: {message}")


def _kill_on_parent_exit() -> list[str]:
    """Returns a prefix that kills the server when this process dies, however it dies.

    It replaces itself by the command, so the process id is the server's.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
