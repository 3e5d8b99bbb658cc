"""Sends everything that libraries print to a log file, and keeps the terminal for a person."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from schema.errors import writing


@contextmanager
def output_to_log(log: Path) -> Iterator[TextIO]:
    """Redirects standard output and standard error to a file while the context is open.

    The C++ libraries write to the file descriptors themselves, so it is these that move, and
    child processes follow.

    Args:
        log: The file; its folder is made where missing.

    Yields:
        The terminal, as standard output was before.

    Raises:
        BadInputError: The file can't be written.
    """
    with writing(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    # Each step is undone though another one fails: a person must not be left without a terminal
    # because it broke off, or because the disk of the log is full.
    with ExitStack() as undo:
        undo.callback(os.close, target)
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor in (1, 2):
            copy = os.dup(descriptor)
            undo.callback(os.close, copy)
            undo.callback(os.dup2, copy, descriptor)
        terminal = undo.enter_context(os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace"))
        os.dup2(target, 1)
        os.dup2(target, 2)
        undo.callback(sys.stderr.flush)
        undo.callback(sys.stdout.flush)
        yield terminal


def output_dropped() -> AbstractContextManager[TextIO]:
    """Drops what libraries print while the context is open."""
    return output_to_log(Path(os.devnull))
