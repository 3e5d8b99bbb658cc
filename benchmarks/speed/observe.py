"""Runs a command and watches the memory of all its processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

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


def print_phases(phases: Mapping[str, Sequence[Interval]]) -> None:
    """Prints phases as the last line of standard output, as `observe_phases` reads them."""
    click.echo("\n" + json.dumps(phases))


def observe_phases(command: Sequence[str]) -> dict[str, dict[str, float]]:
    """Runs a program that ends with `print_phases`.

    Returns:
        For each phase its `seconds`, and `peak_bytes`, the most memory that all processes held.

    Raises:
        CommandError: It failed.
    """
    seen = observe(command)
    phases: dict[str, Any] = json.loads(seen.printed.splitlines()[-1])
    return {
        name: {
            "seconds": sum(end - begin for begin, end in intervals),
            "peak_bytes": seen.peak_within(intervals),
        }
        for name, intervals in phases.items()
    }


def _watch(process: subprocess.Popen[bytes]) -> list[tuple[float, int]]:
    tree = _ProcessTree(process.pid)
    samples = []
    while True:
        samples.append((time.time(), tree.resident_bytes()))
        try:
            process.wait(timeout=_PAUSE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return samples


class _ProcessTree:
    """A process and its descendants, including those whose parent has ended."""

    def __init__(self, root: int) -> None:
        self._members = {root}
        self._strangers: set[int] = set()
        # Between fork and exec a process shows its parent's memory as its own, so it does not
        # count the first time it is seen.
        self._new: set[int] = set()

    def resident_bytes(self) -> int:
        """Looks for new descendants and returns the memory of the known ones."""
        entries = (entry.name for entry in Path("/proc").iterdir())
        running = {int(name) for name in entries if name.isdigit()}
        self._strangers &= running
        self._members &= running
        # Ascending, so that mostly a parent is known before its children.
        unknown = sorted(running - self._strangers - self._members)
        self._new = {pid for pid in unknown if self._admit(pid)}
        self._strangers |= set(unknown) - self._new
        return sum(_resident(pid) for pid in self._members - self._new)

    def _admit(self, pid: int) -> bool:
        try:
            text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
        except OSError:
            return False
        # The name before it, in brackets, may hold any character.
        parent = int(text.rpartition(")")[2].split()[1])
        if parent not in self._members:
            return False
        self._members.add(pid)
        return True


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")
