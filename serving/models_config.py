"""Reads and writes a model server's `models.config`, without TF Serving's stubs.

The messages are those of `tensorflow_serving/config/*.proto`, all fields of them: what a person
wrote into the file must survive a release.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format

from schema import names
from schema.errors import BadInputError, UsageError
from serving.protos import Field, define

_PACKAGE: Final = "tensorflow.serving"
_SOURCE: Final = "FileSystemStoragePathSourceConfig"
_POLICY: Final = f"{_SOURCE}.ServableVersionPolicy"

_messages: Final = define(
    _PACKAGE,
    {
        "ModelServerConfig": {
            "model_config_list": Field(1, f"{_PACKAGE}.ModelConfigList", oneof="config"),
            "custom_model_config": Field(2, "google.protobuf.Any", oneof="config"),
        },
        "ModelConfigList": {"config": Field(1, f"{_PACKAGE}.ModelConfig", repeated=True)},
        "ModelConfig": {
            "name": Field(1, "string"),
            "base_path": Field(2, "string"),
            "model_type": Field(3, f"{_PACKAGE}.ModelType"),
            "model_platform": Field(4, "string"),
            "model_version_policy": Field(7, f"{_PACKAGE}.{_POLICY}"),
            "version_labels": Field(8, "int64", key="string"),
            "logging_config": Field(6, f"{_PACKAGE}.LoggingConfig"),
        },
        _SOURCE: {},
        _POLICY: {
            "latest": Field(100, f"{_PACKAGE}.{_POLICY}.Latest", oneof="policy_choice"),
            "all": Field(101, f"{_PACKAGE}.{_POLICY}.All", oneof="policy_choice"),
            "specific": Field(102, f"{_PACKAGE}.{_POLICY}.Specific", oneof="policy_choice"),
        },
        f"{_POLICY}.Latest": {"num_versions": Field(1, "uint32")},
        f"{_POLICY}.All": {},
        f"{_POLICY}.Specific": {"versions": Field(1, "int64", repeated=True)},
        "LoggingConfig": {
            "log_collector_config": Field(1, f"{_PACKAGE}.LogCollectorConfig"),
            "sampling_config": Field(2, f"{_PACKAGE}.SamplingConfig"),
        },
        "LogCollectorConfig": {"type": Field(1, "string"), "filename_prefix": Field(2, "string")},
        "SamplingConfig": {"sampling_rate": Field(1, "double"), "attributes": Field(2, "int32")},
    },
    {"ModelType": {"MODEL_TYPE_UNSPECIFIED": 0, "TENSORFLOW": 1, "OTHER": 2}},
)
ModelServerConfig: Final = _messages["ModelServerConfig"]


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


def our_model(config: Any) -> Any:
    """Returns this project's ModelConfig in a configuration; adds an empty one if missing."""
    for model in config.model_config_list.config:
        if model.name == names.MODEL_NAME:
            return model
    return config.model_config_list.config.add()


def write_config(path: Path, config: Any) -> None:
    """Replaces a configuration in one step, so that a server never reads half of it.

    Raises:
        UsageError: The file can't be written.
    """
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            with staging.open("x", encoding="utf-8") as file:
                file.write(text_format.MessageToString(config))
                file.flush()
                os.fsync(file.fileno())
            staging.replace(path)
        finally:
            staging.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: can't be written ({error.strerror}).") from error
