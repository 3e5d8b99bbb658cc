"""Finds the pushed versions of a model in a folder."""

from __future__ import annotations

from pathlib import Path

from schema import names
from schema.errors import UsageError


def find_versions(base: Path) -> dict[int, Path]:
    """Returns the versions of a serving directory by their number, in no order.

    A version is a folder whose name is a number, as TF Serving reads it (`00000123` is 123), with
    a SavedModel in it. A folder that does not exist has none.
    """
    return {
        int(entry.name): entry
        for entry in (base.iterdir() if base.is_dir() else ())
        if entry.name.isascii() and entry.name.isdigit() and holds_model(entry)
    }


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
        f"There is no pushed version in {given}, nor in serving/{names.MODEL_NAME} in it. Give a "
        "serving directory, or the output directory of a run that pushed a model."
    )


def holds_model(folder: Path) -> bool:
    """Whether a folder is that of a SavedModel."""
    return (folder / "saved_model.pb").is_file()
