"""Finds the versions of a model in a folder."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from schema import names
from schema.errors import UsageError

# As TF Serving has it: a signed number of 64 bits.
LARGEST_VERSION: Final = 2**63 - 1

_logger = logging.getLogger(__name__)


def index_versions(folders: Iterable[str]) -> dict[int, str]:
    """Returns the name of the folder of each version.

    Only a name that is a number is a version (`00000123` is 123); what a push or a person keeps
    beside the versions has other names. Of two folders with the same number the one whose name
    sorts last is taken, as IndexChildrenByVersion does it in TF Serving's
    sources/storage_path/file_system_storage_path_source.cc.
    """
    versions: dict[int, str] = {}
    for name in sorted(folders):
        if not (name.isascii() and name.isdigit()) or int(name) > LARGEST_VERSION:
            continue
        version = int(name)
        if version in versions:
            _logger.warning(
                "Duplicate version directories detected. Version %d will be loaded from %s, "
                "%s will be ignored.",
                version,
                name,
                versions[version],
            )
        versions[version] = name
    return versions


def find_versions(base: Path) -> dict[int, Path]:
    """Returns the versions of a serving directory by their number, in no order.

    A version is a folder whose name is a number, as TF Serving reads it (`00000123` is 123), with
    a SavedModel in it. A folder that does not exist has none.
    """
    if not base.is_dir():
        return {}
    folders = [entry.name for entry in base.iterdir() if holds_model(entry)]
    return {version: base / folder for version, folder in index_versions(folders).items()}


def serving_dirs(given: Path) -> tuple[Path, Path]:
    """Returns where the versions may lie: in a serving directory, or in a run's output."""
    return given, given / "serving" / names.MODEL_NAME


def find_base(given: Path) -> Path:
    """Returns the serving directory, the parent of the versions, that a path stands for.

    Args:
        given: A serving directory, or the output directory of a run.

    Raises:
        UsageError: There is no version in either.
    """
    for base in serving_dirs(given):
        if find_versions(base):
            return base
    raise UsageError(
        f"There is no pushed version in {given}, nor in serving/{names.MODEL_NAME} in it. Give a "
        "serving directory, or the output directory of a run that pushed a model."
    )


def holds_model(folder: Path) -> bool:
    """Whether a folder is that of a SavedModel."""
    return (folder / "saved_model.pb").is_file()
