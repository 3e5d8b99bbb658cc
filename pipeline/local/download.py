"""Downloads a CSV file once, to a folder named after the hash of its contents."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import httpx

from schema.errors import BadInputError

INDEX_FILE: Final = "downloads.json"

_Progress = Callable[[int, "int | None"], None]
_BLOCK_BYTES: Final = 1 << 18
_GZIP_MAGIC: Final = b"\x1f\x8b"
_SUFFIX: Final = re.compile(r"\.csv(\.gz)?$|\.gz$", re.IGNORECASE)
_BY_HAND: Final = "Or download the file by hand and pass its path as --data."


def fetch(
    url: str, directory: Path, progress: _Progress | None = None, *, timeout_s: float = 60.0
) -> Path:
    """Downloads a CSV file, plain or gzipped, unless the same one is already there.

    The file arrives under a `.part` name and is renamed when it is complete. An index in
    `directory` remembers the ETag and Last-Modified of each URL, and the next call asks with them
    (RFC 9110, section 13): an unchanged file is not downloaded again and keeps its modification
    time. Whether the name ends in `.csv` or `.csv.gz` follows the contents.

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
    shown = re.sub(r"//[^/]*@", "//", url.partition("#")[0])
    if not re.match(r"https?://[^/]", url):
        raise BadInputError(
            f"{shown}: only http:// and https:// addresses can be downloaded. {_BY_HAND}"
        )
    with _explained_errors(shown, directory, timeout_s):
        return _fetch(url, shown, directory, progress, timeout_s)


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
            digest = _receive(response, part, progress)
        path = directory / digest / (_stem(response) + _check_contents(part, shown))
        if not _is_intact(path):
            path.parent.mkdir(exist_ok=True)
            part.replace(path)
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
            f"of the file. Check the address. {_BY_HAND}"
        )
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise BadInputError(
            f"{shown} is a web page, not a CSV file. Use the address of the file itself "
            "(on GitHub: the one behind 'Raw')."
        )


def _receive(response: httpx.Response, part: Path, progress: _Progress | None) -> str:
    """Writes the file as it arrives, and returns its SHA-256 in hexadecimal digits."""
    length = response.headers.get("Content-Length", "")
    digest = hashlib.sha256()
    received = 0
    with part.open("wb") as file:
        # Raw bytes: a server may label a .gz file "Content-Encoding: gzip", as Apache does, and
        # httpx would unpack it.
        for block in response.iter_raw(_BLOCK_BYTES):
            file.write(block)
            digest.update(block)
            received += len(block)
            if progress:
                progress(received, int(length) if length.isdigit() else None)
    return digest.hexdigest()


def _check_contents(part: Path, shown: str) -> str:
    """Returns the suffix that the contents ask for; refuses what can't be the whole file."""
    with part.open("rb") as file:
        start = file.read(_BLOCK_BYTES)
    if start.startswith(_GZIP_MAGIC):
        try:
            with gzip.open(part) as unpacked:
                while unpacked.read(_BLOCK_BYTES):
                    pass
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadInputError(
                f"{shown}: the compressed file is damaged or cut short ({error}). Try again; if "
                "the error stays, the file on the server is broken."
            ) from error
        return ".csv.gz"
    if not start:
        raise BadInputError(f"{shown}: the server sent an empty file. Check the address.")
    if b"\0" in start:
        raise BadInputError(f"{shown} is neither a CSV file nor a gzip-compressed one.")
    return ".csv"


def _stem(response: httpx.Response) -> str:
    """Returns the file's name without suffixes, from the address or one that it led to."""
    asked = [step.request.url for step in (*response.history, response)]
    names = [unquote(url.path).rsplit("/", 1)[-1] for url in asked]
    name = next((name for name in names if _SUFFIX.search(name)), names[0])
    stem = re.sub(r"[^\w.-]+", "_", _SUFFIX.sub("", name), flags=re.ASCII).strip("._")
    return stem[:100] or "data"


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
