"""The flags of `tensorflow_model_server`: `python -m serving.server --model_base_path=...`."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import click

from schema.errors import TaggerError
from schema.text import visible
from serving.server.options import ServerOptions

_PORTS: Final = ("port", "rest_api_port")
_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# What the C++ of TensorFlow and gRPC may write. Of TensorFlow nothing: its errors come as
# exceptions, and every start warns of a GPU library that was registered twice.
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}


def add_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the flags, which `serve_models` takes, to a command."""
    for flag in reversed(list(_flags())):
        command = flag(command)
    return command


def serve_models(**flags: Any) -> None:
    """Serves until the process is told to end.

    Args:
        **flags: The attributes of ServerOptions; `rest_api_port` 0 turns REST off, as in TF
            Serving.

    Raises:
        TaggerError: The server can't start.
    """
    # C++ reads these when it is loaded, so before the server is imported.
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    with _errors_dropped():
        from serving.server.server import run_server

    run_server(ServerOptions(**{**flags, "rest_api_port": flags["rest_api_port"] or None}))


@contextmanager
def _errors_dropped() -> Iterator[None]:
    """Drops what C++ writes to standard error; exceptions are raised, and crashes are told.

    No setting silences what TensorFlow 2.21 says of the processor while it is loaded.
    """
    if sys.stderr is None:
        yield
        return
    terminal = os.dup(2)
    # A handler that somebody else enabled stays.
    ours = not faulthandler.is_enabled()
    if ours:
        faulthandler.enable(terminal)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        if ours:
            faulthandler.disable()
        os.close(terminal)


def _flags() -> Iterator[Callable[..., Any]]:
    """Returns the options in TF Serving's spelling: `--name=value`, and `--name` for true."""
    for name, hint in get_type_hints(ServerOptions, include_extras=True).items():
        kind, text = get_args(hint)
        default = getattr(ServerOptions, name)
        how: dict[str, Any] = {"type": kind, "default": default, "show_default": True}
        if kind is bool:
            how |= {"is_flag": False, "flag_value": True, "show_default": False}
        elif kind == Path | None:
            how = {"type": click.Path(path_type=Path)}
        elif name in _PORTS:
            how["type"] = click.IntRange(0, 65535)
        yield click.option(f"--{name}", help=text, **how)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@add_flags
def serve(**flags: Any) -> None:
    """Serve SavedModels over gRPC and REST, as TF Serving does."""
    serve_models(**flags)


def main() -> None:
    """Runs `serve` as a program of its own."""
    try:
        serve()
    except TaggerError as error:
        click.secho(f"Error: {visible(str(error))}", fg="red", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    # Importing TensorFlow imports Keras too, which takes half of the time and is not needed here.
    sys.modules["keras"] = None  # type: ignore[assignment]
    main()
