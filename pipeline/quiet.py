"""Sends everything that libraries print to a log file, and keeps the terminal for a person."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from schema.errors import BadInputError


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
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise BadInputError(
            f"Can't write to {log}: {error.strerror}. Choose another --output folder."
        ) from error
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    terminal = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield terminal
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        terminal.close()
        for descriptor, copy in saved.items():
            os.dup2(copy, descriptor)
            os.close(copy)
        os.close(target)
