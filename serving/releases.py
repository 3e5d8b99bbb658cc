"""Which versions are pushed and what they are worth, and which of them a server serves."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from schema import names
from schema.errors import BadInputError, UsageError
from serving.model_metadata import ModelMetadata
from serving.versions import GRAPH_FILE, find_versions

MODELS_CONFIG_FILE: Final = "models.config"
STABLE: Final = "stable"
CANARY: Final = "canary"


# Versions from here on are the second of their push (September 2001 and later).
_DATES: Final = range(1_000_000_000, 10_000_000_000)


@dataclass(frozen=True)
class Version:
    """A pushed version.

    Attributes:
        number: Its number.
        path: Its folder.
        pushed: When it was pushed.
        size: Bytes of its files.
        validation: Metrics on validation, as training ended; empty where they were not kept.
        test: Metrics on the test split; empty where they were not kept.
        labels: Its labels in the server's configuration.
    """

    number: int
    path: Path
    pushed: datetime
    size: int
    validation: Mapping[str, float]
    test: Mapping[str, float]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """What `write_release` wrote.

    Attributes:
        config_path: The server's configuration.
        base_path: The serving directory, as the server sees it.
        before: Versions by label before.
        after: Versions by label now.
        loaded: Versions that the server holds, ascending.
    """

    config_path: Path
    base_path: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    loaded: tuple[int, ...]


def config_path_of(base: Path) -> Path:
    """Returns where the configuration of the server of a serving directory lies: beside it."""
    return base.absolute().parent / MODELS_CONFIG_FILE


def released_from(config_path: Path) -> str:
    """Returns where a server finds the versions, by its configuration.

    Raises:
        BadInputError: The configuration can't be read.
    """
    return str(_find_model(_read_config(config_path)).base_path)


def list_versions(base: Path, config_path: Path) -> list[Version]:
    """Reads the versions of a serving directory, newest first.

    Raises:
        BadInputError: A version's metrics or the server's configuration can't be read.
    """
    labels = dict(_find_model(_read_config(config_path)).version_labels)
    versions = sorted(find_versions(base).items(), reverse=True)
    return [_read_version(number, path, labels) for number, path in versions]


def write_release(
    base: Path,
    stable: int,
    canary: int | None,
    config_path: Path,
    base_path: str | None = None,
    load_only: bool = False,
) -> Release:
    """Writes which versions a server serves, for `--model_config_file`.

    The model gets a `specific` version policy and the labels `stable` and, where it is given,
    `canary`. Other models of the file, and other labels of this one whose versions are there,
    stay. The file is replaced in one step.

    A running TF Serving refuses a file that gives a label to a version that it has not loaded
    (TF Serving's guide, "Assigning String Labels to Model Versions"). So it takes two files:
    one that has the versions loaded, with the labels as they were, and when they are, the other.
    A version that loses its label to a newer one stays loaded until the next change, so that the
    way back is instant. One that loses it to an older version goes at once: the latest version
    answers queries without a label.

    Args:
        base: The serving directory.
        stable: The version for `stable`.
        canary: The version for `canary`; without it no version has the label.
        config_path: The file; made where it is not there.
        base_path: The serving directory's absolute path or URL where the server runs, as in a
            container; where None that of an existing file, or else `base`.
        load_only: Whether this is the first of the two files.

    Raises:
        UsageError: A version is not there, or `base_path` is relative.
        BadInputError: The file that is there can't be read.
    """
    there = find_versions(base)
    wanted = {STABLE: stable} if canary is None else {STABLE: stable, CANARY: canary}
    for label, version in wanted.items():
        if version not in there:
            known = ", ".join(map(str, sorted(there, reverse=True))) or "none"
            raise UsageError(
                f"There is no version {version} in {base} for --{label}; there are: {known}."
            )
    config = _read_config(config_path)
    model = _find_model(config)
    path = base_path or model.base_path or str(base.absolute())
    if not path.startswith("/") and "://" not in path:
        raise UsageError(f"--base-path is {path!r}; TF Serving needs an absolute path or a URL.")
    before = dict(model.version_labels)
    held = {*before.values(), *model.model_version_policy.specific.versions} & there.keys()
    if load_only:
        after = before
        loaded = held.union(wanted.values())
    else:
        others = {
            label: version
            for label, version in before.items()
            if label not in (STABLE, CANARY) and version in there
        }
        after = {**others, **wanted}
        # The same labels once more must not take away what a server may still need.
        kept = held if after == before else held.intersection(before.values())
        loaded = {version for version in kept if version < max(after.values())}
        loaded.update(after.values())
    model.name = names.MODEL_NAME
    model.base_path = path
    model.model_platform = model.model_platform or "tensorflow"
    del model.model_version_policy.specific.versions[:]
    model.model_version_policy.specific.versions.extend(sorted(loaded))
    model.version_labels.clear()
    model.version_labels.update(after)
    _replace(config_path, text_format.MessageToString(config))
    return Release(config_path, path, before, after, tuple(sorted(loaded)))


def _read_config(path: Path) -> Any:
    """Returns the configuration in a file; an empty one where there is no file."""
    config = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), config)
    except FileNotFoundError:
        return config
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise BadInputError(
            f"{path}: is no readable configuration of a model server ({error}). Mend it or "
            "remove it."
        ) from error
    if config.HasField("custom_model_config"):
        raise BadInputError(
            f"{path}: has a custom_model_config, which lists no models. Remove it from the file."
        )
    return config


def _find_model(config: Any) -> Any:
    """Returns this project's model in a configuration; adds it where it is missing."""
    for model in config.model_config_list.config:
        if model.name == names.MODEL_NAME:
            return model
    return config.model_config_list.config.add()


def _read_version(number: int, path: Path, labels: Mapping[str, int]) -> Version:
    metadata = ModelMetadata(path)
    pushed = number if number in _DATES else (path / GRAPH_FILE).stat().st_mtime
    return Version(
        number=number,
        path=path,
        pushed=datetime.fromtimestamp(pushed, timezone.utc),
        size=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        validation=metadata.validation,
        test=metadata.test,
        labels=tuple(sorted(label for label, version in labels.items() if version == number)),
    )


def _replace(path: Path, text: str) -> None:
    """Writes a file beside its place, syncs it, and renames it."""
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
