"""`arxiv-tagger serve`: the local model server on what was pushed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.local.output_folder import plain_path
from schema import names
from schema.errors import UsageError
from serving.models_config import config_path_of, read_config, tagger_config
from serving.server.__main__ import EPILOG, add_flags, serve_models
from serving.server.options import ServerOptions
from serving.server.ports import address_of
from serving.versions import find_base


@click.command(epilog=EPILOG)
@options.folder(
    "--model",
    "A serving folder, or the output folder of a run. Serves what `release` chose, or else the "
    "latest version. Ignored when --model_base_path or --model_config_file is given.",
)
@add_flags
@report_errors
def serve(model: Path, **flags: Any) -> None:
    """Serve pushed models over gRPC and REST, with a page to try them.

    The flags and the API are those of tensorflow_model_server. The page is at the REST port.
    """
    if flags["model_base_path"] is None and flags["model_config_file"] is None:
        flags |= _what_to_serve(plain_path(model), flags)
    if flags["model_base_path"] is not None:
        # The server takes no other, as TF Serving. A link stays one: it may stand for a folder
        # with wildcards in its name.
        flags["model_base_path"] = flags["model_base_path"].absolute()
    if flags["rest_api_port"]:
        host = "localhost" if flags["host"] in ("0.0.0.0", "::") else flags["host"]
        address = address_of(host, flags["rest_api_port"])
        click.echo(f"A page to try the model, once it is loaded: http://{address}/", err=True)
    serve_models(**flags)


def _what_to_serve(model: Path, flags: dict[str, Any]) -> dict[str, Any]:
    """Returns the flags for a serving folder: its released versions, or else the latest."""
    base = find_base(model)
    config = config_path_of(base)
    if config.is_file():
        served = tagger_config(read_config(config)).base_path
        if not Path(served).is_dir():
            raise UsageError(
                f"{config} is for a server that finds the versions in {served}, which is not "
                "here. Give --model_base_path to serve the latest version, or release again with "
                f"--base-path {base.absolute()}."
            )
        # The next `release` takes effect without a restart.
        wait = flags["model_config_file_poll_wait_seconds"] or 1
        return {
            "model_config_file": config,
            "model_config_file_poll_wait_seconds": wait,
            # Else labels in the first configuration are refused: no version serves yet.
            "allow_version_labels_for_unavailable_models": True,
        }
    name = flags["model_name"]
    unnamed = name == ServerOptions().model_name
    return {"model_base_path": base, "model_name": names.MODEL_NAME if unnamed else name}
