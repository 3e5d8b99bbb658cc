"""Finds the numbered folders of a model's versions."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from schema import names
from schema.errors import UsageError

# Loaders look for this file first: without it there is no model.
GRAPH_FILE: Final = "saved_model.pb"
# As in TF Serving: a signed number of 64 bits.
LARGEST_VERSION: Final = 2**63 - 1

_logger = logging.getLogger(__name__)


def index_versions(folders: Iterable[str]) -> dict[int, str]:
    """Returns the name of the folder of each version.

    Only a number is the name of a version (`00000123` is 123). Of two folders with the same number
    the one whose name sorts last counts, as in IndexChildrenByVersion of TF Serving's
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


def version_folders(base: Path) -> dict[int, Path]:
    """Returns the numbered folders of a serving directory, with a model in them or not.

    Raises:
        OSError: The directory can't be listed.
    """
    folders = [entry.name for entry in base.iterdir() if entry.is_dir()]
    return {version: base / folder for version, folder in index_versions(folders).items()}


def find_versions(base: Path) -> dict[int, Path]:
    """Returns the folders of a serving directory's versions that hold a SavedModel.

    A directory that does not exist has none.
    """
    if not base.is_dir():
        return {}
    folders = version_folders(base)
    return {version: folder for version, folder in folders.items() if holds_model(folder)}


def find_base(given: Path) -> Path:
    """Returns the serving directory, the parent of the versions, that a path stands for.

    Args:
        given: A serving directory, or the output directory of a run.

    Raises:
        UsageError: There is no version in either.
    """
    for base in (given, given / "serving" / names.MODEL_NAME):
        if find_versions(base):
            return base
    raise UsageError(
        f"There is no pushed version in {given} or its serving/{names.MODEL_NAME}. Give a serving "
        "directory, or the output directory of a run that pushed a model."
    )


def holds_model(folder: Path) -> bool:
    """Tells whether a folder is a SavedModel."""
    return (folder / GRAPH_FILE).is_file()
