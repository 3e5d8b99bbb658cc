"""Where the data that a command is given lies on this machine."""

from __future__ import annotations

from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from components.example_gen.spans import has_span
from pipeline.local.download import copy_once, fetch, without_password
from pipeline.terminal import Terminal
from schema.errors import BadInputError


def locate(data: str, folder: Path, console: Terminal) -> str:
    """Returns the path of the data; first downloads a URL, or copies a pipe.

    Args:
        data: A path, with a span in it or not, or a URL.
        folder: Where a download or copy goes.
        console: Where a download shows itself.

    Raises:
        BadInputError: There is no such file, or it can't be brought here.
    """
    if has_span(data):
        return data
    if "://" in data:
        return str(_download(data, folder, console))
    path = Path(data)
    # The data is read more than once, and by other processes, whose /dev/stdin is another.
    if path.is_fifo() or (path.is_file() and data.startswith(("/dev/", "/proc/"))):
        return str(copy_once(path, folder))
    if not path.is_file():
        raise BadInputError(f"There is no file {data}. Check the path.")
    return data


def _download(url: str, folder: Path, console: Terminal) -> Path:
    columns = (TextColumn("Downloading"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("download", total=None)
        path = fetch(
            url, folder, lambda done, total: progress.update(task, completed=done, total=total)
        )
    console.say(("✓", "green"), f" Downloaded {without_password(url)} to {path}")
    return path
