"""How every command tells of an error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from schema.errors import TaggerError


def report_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--debug`, and turns errors into one message and the exit code of their kind."""

    @click.option("--debug", is_flag=True, help="Show the stack trace of an error.")
    @wraps(command)
    def guarded(*args: Any, debug: bool, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except TaggerError as error:
            if debug:
                raise
            click.secho(f"Error: {error}", fg="red", err=True)
            sys.exit(error.exit_code)
        except click.ClickException:
            raise
        except KeyboardInterrupt:
            click.secho("Interrupted.", fg="red", err=True)
            click.echo("What was finished is kept: the same command goes on from there.", err=True)
            sys.exit(1)
        except Exception as error:
            if debug:
                raise
            click.secho(f"Error: {type(error).__name__}: {error}", fg="red", err=True)
            click.echo("This is a fault of the program; --debug shows where.", err=True)
            sys.exit(1)

    return guarded
