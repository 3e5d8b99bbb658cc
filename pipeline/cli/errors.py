"""How every command reports an error."""

from __future__ import annotations

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


def report_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--debug`, and turns an error into one message and the exit code of its kind."""

    @click.option("--debug", is_flag=True, help="Show the stack trace of an error.")
    @wraps(command)
    def guarded(*args: Any, debug: bool, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except TaggerError as error:
            if debug:
                raise
            click.secho(f"Error: {visible(str(error))}", fg="red", err=True)
            sys.exit(error.exit_code)
        except click.ClickException:
            raise
        except KeyboardInterrupt:
            click.secho("Interrupted.", fg="red", err=True)
            click.echo("Finished work is kept: run the same command again to resume.", err=True)
            sys.exit(1)
        except Exception as error:
            if debug:
                raise
            if not _has_temporary_folder():
                click.secho(f"Error: {_NO_TEMPORARY_FOLDER}", fg="red", err=True)
                sys.exit(1)
            click.secho(f"Error: {type(error).__name__}: {visible(str(error))}", fg="red", err=True)
            click.echo("This is a bug; run again with --debug for the stack trace.", err=True)
            sys.exit(1)

    return guarded


def _has_temporary_folder() -> bool:
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        return False
    return True
