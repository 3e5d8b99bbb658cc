"""Looks into a downloaded file: its hash, its compression, and whether it is whole."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from schema.errors import BadInputError

_GZIP_MAGIC: Final = b"\x1f\x8b"
_BLOCK_BYTES: Final = 1 << 18


def is_gzip(path: Path) -> bool:
    """Whether the file begins as gzip does (RFC 1952, section 2.3.1)."""
    with path.open("rb") as file:
        return file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


def sha256_of(path: Path) -> str:
    """The SHA-256 of the file's bytes, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def unwrap_transport(part: Path, headers: Mapping[str, str], url_path: str, shown: str) -> None:
    """Removes a compression that was added for the way, and leaves the file's own alone.

    The label ``Content-Encoding: gzip`` may mean either. Where the address ends in ``.gz``,
    only what is gzip inside gzip was compressed for the way.

    Args:
        part: The file as it came; changed in place.
        headers: The headers that it came with.
        url_path: Path of the address that it came from.
        shown: The address, for messages.

    Raises:
        BadInputError: When the file is damaged.
    """
    if "gzip" not in headers.get("Content-Encoding", "").lower() or not is_gzip(part):
        return
    outer = part.with_name(f"packed-{part.name}")
    try:
        with _unpacking(shown), gzip.open(part) as unpacked:
            start = unpacked.read(len(_GZIP_MAGIC))
            if url_path.lower().endswith(".gz") and start != _GZIP_MAGIC:
                return
        part.replace(outer)
        with _unpacking(shown), gzip.open(outer) as unpacked, part.open("wb") as file:
            while block := unpacked.read(_BLOCK_BYTES):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
    finally:
        outer.unlink(missing_ok=True)


def check_contents(part: Path, shown: str) -> None:
    """Refuses what can't be the file, so that a cut one is not kept as the answer to a URL.

    Args:
        part: The file as it will be kept.
        shown: The address that it came from, for messages.

    Raises:
        BadInputError: When it is empty, neither text nor gzip, or gzip that is not whole.
    """
    if is_gzip(part):
        with _unpacking(shown), gzip.open(part) as unpacked:
            while unpacked.read(_BLOCK_BYTES):
                pass
        return
    with part.open("rb") as file:
        start = file.read(_BLOCK_BYTES)
    if not start:
        raise BadInputError(f"{shown}: the server sent an empty file. Check the address.")
    if b"\0" in start:
        raise BadInputError(f"{shown} is neither a CSV file nor a gzip-compressed one.")


@contextmanager
def _unpacking(shown: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInputError(
            f"{shown}: the compressed file is damaged or cut short ({error}). Try again; if it "
            "stays so, the file on the server is broken."
        ) from error
