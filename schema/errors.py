"""Errors a person can cause or act on; each kind has the exit code of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar


class TaggerError(Exception):
    """Base of every error whose message is meant for a person.

    The message says what is wrong, where, and what to do about it.
    """

    exit_code: ClassVar[int] = 1


class UsageError(TaggerError):
    """A wrong option, profile or setting."""

    exit_code = 2


class BadInputError(TaggerError):
    """The input can't be read, or leaves nothing to train on."""

    exit_code = 3


class DataAnomalyError(TaggerError):
    """The data doesn't match the curated schema."""

    exit_code = 4


class RefusedError(TaggerError):
    """The gate or the infrastructure check refused the model."""

    exit_code = 5


@contextmanager
def writing(path: Path, remedy: str = "Choose another --output folder") -> Iterator[None]:
    """Tells a person what can't be written, and what to do about it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise BadInputError(f"Can't write to {path}: {reason}. {remedy}.") from error
