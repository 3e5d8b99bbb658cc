"""Writes rows as a CSV file, plain or compressed, and leaves an equal one alone."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

_BLOCK_BYTES: Final = 1 << 20


def write_if_changed(header: Iterable[str], rows: Iterable[Iterable[str]], path: Path) -> bool:
    """Writes a UTF-8 CSV file beside its place and renames it, unless an equal one is there.

    A compressed file is compared by what it holds, since compressors differ in their bytes.

    Args:
        header: Names of the columns.
        rows: The rows, in the order of the columns.
        path: The file; compressed when its name ends in ``.gz``. Missing folders are made.

    Returns:
        Whether the file was written.

    Raises:
        OSError: When it can't be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        with _open_for_writing(part) as raw:
            text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
            text.flush()
            text.detach()
        if path.is_file() and _equal_contents(part, path):
            return False
        part.replace(path)
        return True
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _open_for_writing(path: Path) -> Iterator[BinaryIO]:
    with path.open("wb") as file:
        if path.suffix == ".gz":
            # Neither a name nor a time in the header: the same rows give the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                yield cast(BinaryIO, packed)
        else:
            yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _open_for_reading(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file) as packed:
                yield cast(BinaryIO, packed)
        else:
            yield file


def _equal_contents(new: Path, old: Path) -> bool:
    with _open_for_reading(new) as new_file, _open_for_reading(old) as old_file:
        while True:
            block = new_file.read(_BLOCK_BYTES)
            try:
                if block != old_file.read(len(block) or 1):
                    return False
            except (EOFError, gzip.BadGzipFile, zlib.error):
                # A damaged file is not equal to a sound one.
                return False
            if not block:
                return True
