"""Looks at the folders that hold the versions of a model."""

from __future__ import annotations

import os
from pathlib import Path

from serving.server.errors import invalid_argument
from serving.versions import version_folders

Fingerprint = frozenset[tuple[str, int, int]]


def find_versions(name: str, base_path: Path) -> dict[int, Path]:
    """Returns the folder of each version of a model.

    Raises:
        ServingError: The base path is not there, or can't be read.

    Source: PollFileSystemForServable in TF Serving's
    sources/storage_path/file_system_storage_path_source.cc. Unlike there a file is not a version.
    """
    try:
        return version_folders(base_path)
    except OSError as error:
        raise invalid_argument(
            f"Could not find base path {base_path} for servable {name} with error {error.strerror}"
        ) from error


def fingerprint(folder: Path) -> Fingerprint:
    """Returns the path, size and time of change of each file in a folder.

    A file that vanishes meanwhile or can't be read is left out: loading will report it.
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
