"""Reads and writes a model server's `models.config`, without TF Serving's stubs."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format

from schema import names
from schema.errors import BadInputError, UsageError
from serving.protos import load_messages

ModelServerConfig: Final = load_messages("model_server_config")["ModelServerConfig"]


def config_path_of(base: Path) -> Path:
    """Returns the path of the configuration for a serving directory: beside it."""
    return base.absolute().parent / "models.config"


def read_config(path: Path) -> Any:
    """Reads a ModelServerConfig; an empty one if there is no file.

    Raises:
        BadInputError: The file can't be read, or lists no models.
    """
    config = ModelServerConfig()
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), config)
    except FileNotFoundError:
        return config
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise BadInputError(
            f"{path}: not a model server's configuration ({error}). Correct or remove it."
        ) from error
    if config.HasField("custom_model_config"):
        raise BadInputError(
            f"{path}: has a custom_model_config instead of a list of models. Remove it."
        )
    return config


def tagger_config(config: Any) -> Any:
    """Returns this project's ModelConfig in a configuration; adds an empty one if missing."""
    for model in config.model_config_list.config:
        if model.name == names.MODEL_NAME:
            return model
    return config.model_config_list.config.add()


def write_config(path: Path, config: Any) -> None:
    """Replaces a configuration; see `write_text`."""
    write_text(path, text_format.MessageToString(config, as_utf8=False))


def write_text(path: Path, text: str) -> None:
    """Replaces a file in one step, so that a server never reads half of it.

    Raises:
        UsageError: The file can't be written.
    """
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            with staging.open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            staging.replace(path)
        finally:
            staging.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: can't be written ({error.strerror}).") from error
