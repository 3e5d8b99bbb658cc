"""The flags of `tensorflow_model_server`: `python -m serving.server --model_base_path=...`."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from schema.errors import TaggerError
from serving.server.options import ServerOptions

_DEFAULTS: Final = ServerOptions()
_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# What the C++ of TensorFlow and gRPC may write: of the former nothing, for its errors come as
# exceptions, and with every start it complains of a GPU library that was registered twice.
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}


def add_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the flags, which `serve_models` takes, to a command."""
    for flag in reversed(_flags()):
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
    from serving.server.server import run_server

    run_server(ServerOptions(**{**flags, "rest_api_port": flags["rest_api_port"] or None}))


def _flags() -> list[Callable[..., Any]]:
    return [
        _flag("model_name", str, "What requests call the model at --model_base_path."),
        _flag("model_base_path", Path, "Folder with a numbered folder for each version."),
        _flag("port", click.IntRange(0, 65535), "Port of gRPC; 0 takes a free one."),
        _flag("rest_api_port", click.IntRange(0, 65535), "Port of REST; 0 turns it off."),
        _flag("host", str, "Address to listen on; 0.0.0.0 is every network."),
        _flag("rest_api_timeout_in_ms", int, "How long a request over REST may take."),
        _flag("model_config_file", Path, "ModelServerConfig as text: models, versions, labels."),
        _flag(
            "model_config_file_poll_wait_seconds",
            float,
            "Seconds between two readings of --model_config_file; 0 reads it once.",
        ),
        _flag(
            "file_system_poll_wait_seconds",
            float,
            "Seconds between two looks for new versions; 0 looks once.",
        ),
        _flag(
            "allow_version_labels_for_unavailable_models",
            bool,
            "Let labels name versions that are not loaded yet.",
        ),
        _flag("enable_batching", bool, "Compute concurrent requests together."),
        _flag("batching_parameters_file", Path, "BatchingParameters as text."),
        _flag("monitoring_config_file", Path, "MonitoringConfig as text."),
        _flag("enable_grpc_healthcheck_service", bool, "Have the standard gRPC health service."),
    ]


def _flag(name: str, kind: type | click.ParamType[Any], text: str) -> Callable[..., Any]:
    """Returns an option with TF Serving's spelling: `--name=value`, and `--name` for true."""
    default = getattr(_DEFAULTS, name)
    if kind is bool:
        return click.option(
            f"--{name}", type=bool, is_flag=False, flag_value=True, default=default, help=text
        )
    if kind is Path:
        return click.option(f"--{name}", type=click.Path(path_type=Path), help=text)
    return click.option(f"--{name}", type=kind, default=default, show_default=True, help=text)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@add_flags
def serve(**flags: Any) -> None:
    """Serve SavedModels over gRPC and REST, as TF Serving does."""
    serve_models(**flags)


def main() -> None:
    """Runs `serve` as a program of its own."""
    # Importing TensorFlow imports Keras too, for half of the time; a server has no use for it.
    sys.modules["keras"] = None  # type: ignore[assignment]
    try:
        serve()
    except TaggerError as error:
        click.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
