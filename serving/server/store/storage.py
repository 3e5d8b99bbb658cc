"""Looks at the folders that hold the versions of a model."""

from __future__ import annotations

import os
from pathlib import Path

from serving.server.errors import invalid_argument
from serving.versions import index_versions

Fingerprint = frozenset[tuple[str, int, int]]


def find_versions(name: str, base_path: Path) -> dict[int, Path]:
    """Returns the folder of each version of a model.

    Raises:
        ServingError: The base path is not there, or can't be read.

    Source: PollFileSystemForServable in TF Serving's
    sources/storage_path/file_system_storage_path_source.cc. Unlike there a file is no version.
    """
    try:
        with os.scandir(base_path) as entries:
            folders = [entry.name for entry in entries if _is_folder(entry)]
    except OSError as error:
        raise invalid_argument(
            f"Could not find base path {base_path} for servable {name} with error {error.strerror}"
        ) from error
    return {version: base_path / folder for version, folder in index_versions(folders).items()}


def fingerprint(folder: Path) -> Fingerprint:
    """Returns the path, size and time of change of each file in a folder.

    One that goes away meanwhile or can't be looked at is left out: loading will say so.
    """
    found = set()
    for parent, _, files in os.walk(folder, followlinks=True):
        for file in files:
            path = Path(parent, file)
            try:
                status = path.stat()
            except OSError:
                continue
            found.add((str(path), status.st_size, status.st_mtime_ns))
    return frozenset(found)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads to itself, say: no version, and no harm to the others.
        return False
