"""Runs a command and watches the memory of all its processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import click

_PAUSE_SECONDS: Final = 0.1
_SHOWN_LINES: Final = 30
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

# Unix times of beginning and end.
Interval = tuple[float, float]


class CommandError(Exception):
    """A command failed; the message ends with the last lines it printed."""


@dataclass(frozen=True)
class Observation:
    """Time and memory of a command.

    Attributes:
        started: Unix time at which it started.
        seconds: Wall-clock time.
        samples: Unix times, ascending, and the resident bytes of all its processes then.
        printed: Its standard output.
    """

    started: float
    seconds: float
    samples: tuple[tuple[float, int], ...]
    printed: str

    @property
    def peak_bytes(self) -> int:
        """The highest sample."""
        return max(size for _, size in self.samples)

    def peak_within(self, intervals: Iterable[Interval]) -> int:
        """Returns the highest sample within intervals; 0 where they are shorter than a pause."""
        within = [
            size for begin, end in intervals for at, size in self.samples if begin <= at <= end
        ]
        return max(within, default=0)


def observe(command: Sequence[str]) -> Observation:
    """Runs a command to its end and samples its memory every tenth of a second.

    The memory is the sum of the resident sets (RSS) of the command's process and all that
    descend from it. Pages that several of them share, such as libraries, count once for each, so
    the sum is an upper bound. The proportional sets (PSS) would be exact, but to add one up the
    kernel walks through all pages under the lock that the process needs to get more memory: tens
    of milliseconds for several gigabytes, ten times a second.

    Args:
        command: Program and arguments. It gets this process's environment, with TensorFlow's
            own messages turned off, and a process group of its own.

    Raises:
        CommandError: It ended with another code than 0.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        try:
            samples = _watch(process)
            seconds = time.perf_counter() - clock
        finally:
            # Whatever it left running, or all of it when this process is interrupted.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        printed = _read(output)
        if process.returncode:
            lines = [*printed.splitlines(), *_read(errors).splitlines()]
            raise CommandError(
                f"{' '.join(command)} ended with {process.returncode}:\n"
                + "\n".join(lines[-_SHOWN_LINES:])
            )
    return Observation(started, seconds, tuple(samples), printed)


def print_interval(began: float, ended: float) -> None:
    """Prints what counts of a program, as the last line of its standard output."""
    click.echo("\n" + json.dumps([began, ended]))


def observe_interval(command: Sequence[str]) -> dict[str, float]:
    """Runs a program that ends with `print_interval`.

    Returns:
        The interval's `seconds`, and `peak_bytes`, the most memory that all processes held in it.
    """
    seen = observe(command)
    began, ended = json.loads(seen.printed.splitlines()[-1])
    return {"seconds": ended - began, "peak_bytes": seen.peak_within([(began, ended)])}


def _watch(process: subprocess.Popen[bytes]) -> list[tuple[float, int]]:
    samples = []
    # Between fork and exec a process shows its parent's memory as its own, so it does not count the
    # first time it is seen.
    seen = {process.pid}
    while True:
        running = set(_of_session(process.pid))
        samples.append((time.time(), sum(map(resident_bytes, running & seen))))
        seen = running
        try:
            process.wait(timeout=_PAUSE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return samples


def _of_session(session: int) -> Iterator[int]:
    """Yields the processes of a session, also those whose parent has ended."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(ProcessLookupError):
            if entry.name.isdigit() and os.getsid(int(entry.name)) == session:
                yield int(entry.name)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")


def resident_bytes(pid: int) -> int:
    """Returns the memory that a process holds now, 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
