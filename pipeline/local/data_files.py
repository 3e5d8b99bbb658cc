"""The files that `--data` names: one, or those of several spans of an archive."""

from __future__ import annotations

import glob

from components.example_gen.settings import DataSettings
from components.example_gen.spans import find_window, has_span, split_path
from pipeline.local.download import without_password
from schema.errors import UsageError


def find_data(data: str, settings: DataSettings) -> tuple[list[str], str]:
    """Finds the files on this machine.

    Args:
        data: The path of a file, which need not exist, or one with `{SPAN}` in it.
        settings: How many spans are read.

    Returns:
        Their paths in order, and a message that names the spans; empty where there are none.

    Raises:
        UsageError: It is a URL with a span in it.
        BadInputError: There is no such span, or one is missing; see `find_window`.
    """
    if not has_span(data):
        return [data], ""
    if "://" in data:
        raise UsageError(
            f"--data {without_password(data)}: {{SPAN}} works with files on this machine. "
            "Download them first, or give a URL without it."
        )
    base, pattern = split_path(data)
    window = find_window(
        base, pattern, settings.spans, glob.glob, allow_gaps=settings.allow_span_gaps
    )
    return list(window.paths), f"Reading {window.describe(settings.spans)}."


def split_data_path(data: str) -> tuple[str, str]:
    """Returns the folder and the pattern that ExampleGen takes for the absolute path of the data.

    Args:
        data: As `find_data` takes it.
    """
    if has_span(data):
        return split_path(data)
    folder, _, name = data.rpartition("/")
    # TFX takes the name for a pattern.
    return folder or "/", glob.escape(name)
