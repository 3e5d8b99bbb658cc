"""How every command reports an error."""

from __future__ import annotations

import errno
import re
import sys
import tempfile
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import click

from schema.errors import TaggerError
from schema.text import visible

_NO_TEMPORARY_FOLDER: Final = (
    "No folder for temporary files can be written to, neither the one that TMPDIR names nor /tmp. "
    "Set TMPDIR to one that can; in a container with a read-only root, mount one at /tmp."
)
_DAMAGED_INDEX: Final = re.compile("file is not a database|database disk image is malformed")
_DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
# How the libraries that have no OSError of their own name them: TensorFlow, Beam, SQLite, zlib.
_DISK_WORDS: Final = re.compile(
    "no space left on device|(disk )?quota exceeded|database or disk is full|disk i/o error"
    "|read-?only (file system|database)",
    re.IGNORECASE,
)


def report_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--debug`, and turns an error into one message and the exit code of its kind."""

    @click.option("--debug", is_flag=True, help="Show the stack trace of an error.")
    @wraps(command)
    def guarded(*args: Any, debug: bool, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except click.ClickException:
            raise
        except KeyboardInterrupt:
            click.secho("Interrupted.", fg="red", err=True)
            click.echo("Finished work is kept: run the same command again to resume.", err=True)
            sys.exit(1)
        except Exception as error:
            if debug:
                raise
            known = str(error) if isinstance(error, TaggerError) else _about_disk(error)
            message = known or f"{type(error).__name__}: {error}"
            click.secho(f"Error: {visible(message)}", fg="red", err=True)
            if not known:
                click.echo("This is a bug; run again with --debug for the stack trace.", err=True)
            sys.exit(error.exit_code if isinstance(error, TaggerError) else 1)

    return guarded


def _about_disk(error: BaseException | None) -> str:
    """Returns what is wrong with a disk or what is on it, if an error or one behind it says so."""
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError:
        return _NO_TEMPORARY_FOLDER
    while error is not None:
        if damage := _DAMAGED_INDEX.search(str(error)):
            return (
                f"TFX's index of the results, metadata/metadata.sqlite, is damaged ({damage[0]}). "
                "Delete `metadata` and `pipeline` in the output folder and run the same command "
                "again; pushed models are kept."
            )
        words = _DISK_WORDS.search(str(error))
        if words or (isinstance(error, OSError) and error.errno in _DISK_ERRORS):
            reason = words[0] if words else str(error)
            file = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
            return (
                f"A disk is full, or can't be written to: {reason}{file}. Make room where the "
                f"output goes and in {temporary}, the folder for temporary files, and run the "
                "same command again; finished work is kept."
            )
        error = error.__cause__ or error.__context__
    return ""
