"""The flags of `tensorflow_model_server`: `python -m serving.server --model_base_path=...`."""

from __future__ import annotations

import faulthandler
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_args, get_type_hints

import click

from schema.errors import TaggerError
from schema.text import visible
from serving.server.options import WITHOUT_EFFECT, ServerOptions

EPILOG: Final = f"Accepted without effect: --{', --'.join(WITHOUT_EFFECT)}."

# Of click's types, by the name or the hint of an option.
_PORT: Final = click.IntRange(0, 65535)
_AT_LEAST_1: Final = click.IntRange(1)
_TYPES: Final[dict[Any, Any]] = {
    "port": _PORT,
    "rest_api_port": _PORT,
    "grpc_max_threads": _AT_LEAST_1,
    "max_string_bytes": _AT_LEAST_1,
    "max_computing_bytes": _AT_LEAST_1,
    "rest_api_max_body_bytes": _AT_LEAST_1,
    "rest_api_max_connections": _AT_LEAST_1,
    "rest_api_idle_timeout_seconds": _AT_LEAST_1,
    Path | None: click.Path(path_type=Path),
}
# Devices of third parties, which the API of TensorFlow finds and loads.
_PLUGINS: Final = "tensorflow-plugins"
_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# What the C++ of TensorFlow and gRPC may write. Of TensorFlow nothing: its errors come as
# exceptions, and every start warns of a GPU library that was registered twice.
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}

_logger = logging.getLogger("serving.server")


def add_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the flags, which `serve_models` takes, to a command."""
    for flag in reversed(list(_flags())):
        command = flag(command)
    return command


def serve_models(**flags: Any) -> None:
    """Serves until the process is told to end.

    Args:
        **flags: The attributes of ServerOptions, and the flags without effect; `rest_api_port` 0
            turns REST off, as in TF Serving.

    Raises:
        TaggerError: The server can't start.
    """
    # C++ reads these when it is loaded, so before the server is imported.
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    ignored = [f"--{name}" for name in WITHOUT_EFFECT if flags.pop(name) is not None]
    if ignored:
        _logger.warning("These flags have no effect in this server: %s", ", ".join(ignored))
    flags.pop("version")
    with _errors_dropped():
        _import_lean()
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


def _import_lean() -> None:
    """Makes `tensorflow` and `tensorflow.python` packages that import nothing by themselves.

    Their Python API takes most of a server's start. What lies in them is imported as usual. Only
    for a process that never says `import tensorflow`; it does nothing where that is done already,
    or TensorFlow has plug-ins.
    """
    if "tensorflow" in sys.modules or importlib.util.find_spec(_PLUGINS):
        return
    spec = PathFinder.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent
    for name, path in (("tensorflow", folder), ("tensorflow.python", folder / "python")):
        package = sys.modules[name] = ModuleType(name)
        package.__path__ = [str(path)]
    kernels = folder / "core" / "kernels"
    if kernels.is_dir():
        # Operations in libraries of their own, which the API loads too.
        from tensorflow.python.framework.load_library import load_library

        load_library(str(kernels))


def _flags() -> Iterator[Callable[..., Any]]:
    """Returns the options in TF Serving's spelling: `--name=value`, and `--name` for true."""
    for name, hint in get_type_hints(ServerOptions, include_extras=True).items():
        kind, text = get_args(hint)
        yield _flag(name, kind, getattr(ServerOptions, name), help=text)
    for name, kind in WITHOUT_EFFECT.items():
        yield _flag(name, kind, None, hidden=True)
    yield _flag("version", bool, False, help="Show the versions and exit.", callback=_show_version)


def _flag(name: str, kind: Any, default: object, **how: Any) -> Callable[..., Any]:
    how |= {"default": default, "show_default": default not in ("", False)}
    if kind is bool:
        how |= {"type": bool, "is_flag": False, "flag_value": True}
    else:
        how["type"] = _TYPES.get(name) or _TYPES.get(kind, kind)
    return click.option(f"--{name}", **how)


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"TensorFlow ModelServer: {version('arxiv-tagger')}")
        click.echo(f"TensorFlow Library: {version('tensorflow')}")
        context.exit()


@click.command(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "ignore_unknown_options": True,
        "allow_extra_args": True,
    },
    epilog=EPILOG,
)
@add_flags
@click.pass_context
def serve(context: click.Context, /, **flags: Any) -> None:
    """Serve SavedModels over gRPC and REST, as TF Serving does."""
    if context.args:
        click.echo(f"unknown argument: {context.args[0]}\n{context.get_help()}")
    serve_models(**flags)


def main() -> None:
    """Runs `serve` as a program of its own, with the exit code of `tensorflow_model_server`."""
    try:
        serve(standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
    except TaggerError as error:
        message = f"Failed to start server. Error: {error}"
        click.secho(visible(message), fg="red", err=True)
    else:
        return
    sys.exit(255)


if __name__ == "__main__":
    main()
