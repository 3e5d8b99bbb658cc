"""The files of the data that a command is given, on this machine."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, DownloadColumn, TextColumn

from components.example_gen.spans import find_window, has_span, split_path
from pipeline.local.download import copy_once, fetch, without_password
from pipeline.terminal import Terminal
from schema.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings


def find_data(
    data: str, folder: Path, console: Terminal, settings: DataSettings
) -> tuple[str, list[str]]:
    """Finds the data, and says which spans of an archive it is.

    Args:
        data: A path, with a span in it or not, or a URL.
        folder: Where a download or copy goes.
        console: Where a person reads along.
        settings: How many spans are read.

    Returns:
        Its path, with the span in it, and its files in order.

    Raises:
        UsageError: It is a URL with a span in it.
        BadInputError: There is no such file or span, or one is missing; see `find_window`.
    """
    if not has_span(data):
        path = locate(data, folder, console)
        return path, [path]
    if "://" in data:
        raise UsageError(
            f"--data {without_password(data)}: {{SPAN}} works with files on this machine. "
            "Download them first, or give a URL without it."
        )
    window = find_window(*split_path(data), settings, glob.glob)
    console.say(f"Reading {window.describe(settings.spans)}.")
    return data, window.paths


def locate(data: str, folder: Path, console: Terminal) -> str:
    """Returns the path of a file; first downloads a URL, or copies a pipe.

    Args:
        data: Its path or URL.
        folder: Where a download or copy goes.
        console: Where a download shows itself.

    Raises:
        BadInputError: There is no such file, or it can't be brought here.
    """
    if "://" in data:
        return str(_download(data, folder, console))
    path = Path(data)
    # The data is read more than once, and by other processes, whose /dev/stdin is another.
    if path.is_fifo() or (path.is_file() and data.startswith(("/dev/", "/proc/"))):
        return str(copy_once(path, folder))
    if not path.is_file():
        problem = f"{data} is not a file" if path.exists() else f"There is no file {data}"
        raise BadInputError(f"{problem}. Give the path of a file, or /dev/stdin.")
    return data


@contextmanager
def named_as_given(data: str, path: str) -> Iterator[None]:
    """Lets an error name the data that was given, not the temporary copy that `locate` made."""
    try:
        yield
    except BadInputError as error:
        raise BadInputError(str(error).replace(path, without_password(data))) from error


def _download(url: str, folder: Path, console: Terminal) -> Path:
    columns = (TextColumn("Downloading"), BarColumn(), DownloadColumn())
    with console.progress(*columns) as update:
        path = fetch(url, folder, update)
    console.say(("✓", "green"), f" Downloaded {without_password(url)}")
    return path
