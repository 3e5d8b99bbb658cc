"""Brings a file to this disk once, to a folder named after the hash of its contents."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import httpx

from schema.errors import BadInputError
from schema.streams import drain, open_stream

INDEX_FILE: Final = "downloads.json"

_Progress = Callable[[int, "int | None"], None]
_BLOCK_BYTES: Final = 1 << 18
DATA_SUFFIX: Final = re.compile(
    r"(\.(?:csv|tsv|jsonl|ndjson|json|parquet))?(\.(?:gz|bz2|xz|zip))?$", re.IGNORECASE
)
_PACKED_SUFFIX: Final = {"": "", "gzip": ".gz", "bz2": ".bz2", "xz": ".xz", "zip": ".zip"}
_BY_HAND: Final = "Or download the file by hand and pass its path as --data."


def fetch(
    url: str, directory: Path, progress: _Progress | None = None, *, timeout_s: float = 60.0
) -> Path:
    """Downloads a file, unless the same one is already there.

    The file arrives under a `.part` name and is renamed when it is complete. An index in
    `directory` remembers the ETag and Last-Modified of each URL, and the next call asks with them
    (RFC 9110, section 13): an unchanged file is not downloaded again and keeps its modification
    time. Whether the name ends as that of a packed file follows the contents.

    Args:
        url: Address of the file, `http` or `https`.
        directory: Folder of the downloads; made when missing.
        progress: Called with the bytes received and, where the server says it, the total.
        timeout_s: Longest silence of the server, in seconds.

    Returns:
        `directory/<SHA-256 of the file>/<name>`.

    Raises:
        BadInputError: The address, the server's answer or the folder is no good.
    """
    shown = without_password(url).partition("#")[0]
    if not re.match(r"https?://[^/]", url, re.IGNORECASE):
        raise BadInputError(
            f"{shown}: only http:// and https:// addresses can be downloaded. {_BY_HAND}"
        )
    with _explained_errors(shown, directory, timeout_s):
        return _fetch(url, shown, directory, progress, timeout_s)


def without_password(url: str) -> str:
    """Returns an address as it may be shown; a path stays as it is."""
    # Also one with a slash that should have been written as %2F; digits are a port.
    return re.sub(r"(?<=://)([^/]*@|[^/:@]*:(?!\d*/)[^@]*@([^/]*@)?)", "", url)


def copy_once(source: Path, directory: Path) -> Path:
    """Copies what can be read only once, such as a pipe.

    Returns:
        `directory/<SHA-256 of the contents>/<name>`.

    Raises:
        BadInputError: It can't be read, or the copy can't be written.
    """
    part = directory / f"copy-{os.getpid()}.part"
    with _explained_errors(str(source), directory, 0):
        directory.mkdir(parents=True, exist_ok=True)
        try:
            with source.open("rb") as file:
                digest = _receive(iter(partial(file.read, _BLOCK_BYTES), b""), part)
            return _settle(part, directory / digest / f"copy-of-{source.name}")
        finally:
            part.unlink(missing_ok=True)


def _settle(part: Path, path: Path) -> Path:
    """Gives a complete file its name, unless it is there already and keeps its time."""
    if not _is_intact(path):
        path.parent.mkdir(exist_ok=True)
        part.replace(path)
    return path


def _fetch(
    url: str, shown: str, directory: Path, progress: _Progress | None, timeout_s: float
) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for leftover in directory.glob("*.part"):
        leftover.unlink(missing_ok=True)
    part = directory / f"download-{os.getpid()}.part"
    index = _read_index(directory)
    known = index.get(shown)
    # Asks for the bytes of the file, not for a copy that is compressed on the way.
    headers = {"Accept-Encoding": "identity"}
    if known and _is_intact(directory / known["file"]):
        headers |= {name: value for name, value in known["headers"].items() if value}
    try:
        with (
            httpx.Client(follow_redirects=True, timeout=timeout_s) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if known and response.status_code == httpx.codes.NOT_MODIFIED:
                return directory / str(known["file"])
            _check_answer(response, shown)
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else None
            # Raw bytes: a server may label a .gz file "Content-Encoding: gzip", as Apache does,
            # and httpx would unpack it.
            blocks = response.iter_raw(_BLOCK_BYTES)
            digest = _receive(blocks, part, progress and (lambda done: progress(done, total)))
        name = _name(response, _check_contents(part, shown))
        path = _settle(part, directory / digest / name)
        index[shown] = {
            "file": f"{digest}/{path.name}",
            "headers": {
                "If-None-Match": response.headers.get("ETag"),
                "If-Modified-Since": response.headers.get("Last-Modified"),
            },
        }
        part.write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", "utf-8")
        part.replace(directory / INDEX_FILE)
    finally:
        part.unlink(missing_ok=True)
    return path


def _check_answer(response: httpx.Response, shown: str) -> None:
    if response.status_code != httpx.codes.OK:
        raise BadInputError(
            f"{shown}: the server answered {response.status_code} {response.reason_phrase} instead "
            f"of the file. Check the address, and the name and password in it. {_BY_HAND}"
        )
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise BadInputError(
            f"{shown} is a web page, not a file of data. Use the address of the file itself "
            "(on GitHub: the one behind 'Raw')."
        )


def _receive(
    blocks: Iterable[bytes], part: Path, progress: Callable[[int], None] | None = None
) -> str:
    """Writes the file as it arrives, and returns its SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    received = 0
    with part.open("wb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            received += len(block)
            if progress:
                progress(received)
    return digest.hexdigest()


def _check_contents(part: Path, shown: str) -> str:
    """Returns how the file is packed; refuses what can't be the whole of it."""
    with open_stream(shown, lambda _: part.open("rb")) as stream:
        if not stream.head:
            raise BadInputError(f"{shown}: the server sent an empty file. Check the address.")
        if stream.packing:
            drain(stream)
        return stream.packing


def _name(response: httpx.Response, packing: str) -> str:
    """Returns the file's name, from the address or one that it led to."""
    asked = [step.request.url for step in (*response.history, response)]
    names = [unquote(url.path).rsplit("/", 1)[-1] for url in asked]
    ends = [match for name in names if (match := DATA_SUFFIX.search(name))]
    end = next((match for match in ends if match[0]), ends[0])
    stem = re.sub(r"[^\w.-]+", "_", end.string[: end.start()], flags=re.ASCII).strip("._")
    return f"{stem[:100] or 'data'}{(end[1] or '.csv').lower()}{_PACKED_SUFFIX[packing]}"


def _is_intact(path: Path) -> bool:
    """Tells whether a download is there and still what its folder's name says."""
    if not path.is_file():
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest() == path.parent.name


def _read_index(directory: Path) -> dict[str, Any]:
    """Returns the index; an unreadable one only costs a download, so it counts as empty."""
    try:
        index = json.loads((directory / INDEX_FILE).read_text("utf-8"))
        return {url: each for url, each in index.items() if {"file", "headers"} <= each.keys()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


@contextmanager
def _explained_errors(shown: str, directory: Path, timeout_s: float) -> Iterator[None]:
    try:
        yield
    # A host name that can't be looked up raises UnicodeError.
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadInputError(f"{shown} is not a valid address: {error}.") from error
    except httpx.TimeoutException as error:
        raise BadInputError(
            f"{shown}: the server was silent for {timeout_s:g} seconds. Try again later. {_BY_HAND}"
        ) from error
    except httpx.HTTPError as error:
        raise BadInputError(
            f"{shown}: the download failed: {error}. Check the address and the connection, and try "
            f"again. {_BY_HAND}"
        ) from error
    except OSError as error:
        raise BadInputError(
            f"Can't keep the download in {directory}: {error.strerror or error}. "
            "Choose an output folder that is writable and has room."
        ) from error
