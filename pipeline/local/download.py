"""Downloads a CSV file once, to a folder named after the hash of its contents."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import httpx

from pipeline.local.downloaded_file import check_contents, is_gzip, sha256_of, unwrap_transport
from schema.errors import BadInputError

INDEX_FILE: Final = "downloads.json"

_BLOCK_BYTES: Final = 1 << 18
_MAX_STEM: Final = 100
_MAX_PORT: Final = 65_535
_BY_HAND: Final = "Or download the file by hand and pass its path as --data."


@dataclass(frozen=True)
class _Entry:
    """What the index knows of a URL: where its file lies and what the server called it."""

    file: str
    sha256: str
    etag: str | None
    last_modified: str | None


def fetch(
    url: str,
    directory: Path,
    progress: Callable[[int, int | None], None] | None = None,
    *,
    timeout_s: float = 60.0,
) -> Path:
    """Downloads a ``.csv`` or ``.csv.gz`` file, unless the same one is already there.

    The file arrives under a ``.part`` name and is renamed when it is complete. An index in
    ``directory`` remembers the ETag or Last-Modified of each URL, and the next call asks with
    them (RFC 9110, section 13): an unchanged file is not downloaded again and keeps its
    modification time. Whether the name ends in ``.csv`` or ``.csv.gz`` follows the contents.

    Args:
        url: Address of the file, ``http`` or ``https``.
        directory: Folder of the downloads; made when missing.
        progress: Called with the bytes received and, where the server says it, the total.
        timeout_s: Longest silence of the server, in seconds.

    Returns:
        ``directory/<SHA-256 of the file>/<name>``.

    Raises:
        BadInputError: When the address, the server, the file or the folder is no good.
    """
    address = _parse(url)
    shown = str(address.copy_with(username=None, password=None, fragment=None))
    part = directory / f"download-{os.getpid()}.part"
    with _using(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for leftover in directory.glob("*.part"):
            leftover.unlink(missing_ok=True)
        index = _read_index(directory)
        known = _intact(index.get(shown), directory)
    try:
        with _talking_to(shown, timeout_s), _get(address, known, timeout_s) as response:
            if known and _is_unchanged(response, known):
                return directory / known.file
            _check_response(response, shown)
            _receive(response, part, progress)
        with _using(directory):
            unwrap_transport(part, response.headers, response.request.url.path, shown)
            check_contents(part, shown)
            entry = _keep(part, directory, response)
            _write_index(directory, {**index, shown: entry})
    finally:
        part.unlink(missing_ok=True)
    return directory / entry.file


def _parse(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
        # The look-up of a host name does this, and its error says nothing of an address.
        address.raw_host.decode("ascii").encode("idna")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadInputError(f"{url} is not a valid address: {error}.") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise BadInputError(
            f"{url}: only http:// and https:// addresses can be downloaded. {_BY_HAND}"
        )
    if (address.port or 0) > _MAX_PORT:
        raise BadInputError(f"{url} is not a valid address: there is no port {address.port}.")
    return address


@contextmanager
def _get(address: httpx.URL, known: _Entry | None, timeout_s: float) -> Iterator[httpx.Response]:
    # The bytes of the file are wanted, not a copy compressed for the way.
    headers = {"Accept-Encoding": "identity"}
    if known and known.etag:
        headers["If-None-Match"] = known.etag
    elif known and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    with (
        httpx.Client(follow_redirects=True, timeout=timeout_s) as client,
        client.stream("GET", address, headers=headers) as response,
    ):
        yield response


def _is_unchanged(response: httpx.Response, known: _Entry) -> bool:
    """Also sees it where a server knows no conditional requests and sends all again."""
    if response.status_code == httpx.codes.NOT_MODIFIED:
        return True
    same_etag = known.etag is not None and response.headers.get("ETag") == known.etag
    return response.status_code == httpx.codes.OK and same_etag


def _check_response(response: httpx.Response, shown: str) -> None:
    status = response.status_code
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        raise BadInputError(f"{shown}: there is no such file ({status}). Check the address.")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise BadInputError(f"{shown}: the server refuses access ({status}). {_BY_HAND}")
    if status != httpx.codes.OK:
        raise BadInputError(
            f"{shown}: the server answered {status} {response.reason_phrase} instead of the "
            f"file. Try again later. {_BY_HAND}"
        )
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise BadInputError(
            f"{shown} is a web page, not a CSV file. Use the address of the file itself "
            "(on GitHub: the one behind 'Raw')."
        )
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise BadInputError(
            f"{shown}: the server sends the file in the encoding {encoding!r}, which it was "
            f"asked not to use. {_BY_HAND}"
        )


def _receive(
    response: httpx.Response, part: Path, progress: Callable[[int, int | None], None] | None
) -> None:
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isdigit() else None
    received = 0
    with _using(part.parent):
        file = part.open("wb")
    with file:
        # Raw bytes: httpx would unpack a .gz file that the server labels
        # "Content-Encoding: gzip", as Apache does, and it would no longer be the file.
        for block in response.iter_raw(_BLOCK_BYTES):
            with _using(part.parent):
                file.write(block)
            received += len(block)
            if progress:
                progress(received, total)
        with _using(part.parent):
            file.flush()
            os.fsync(file.fileno())


def _keep(part: Path, directory: Path, response: httpx.Response) -> _Entry:
    """Moves the complete file to its place, unless the same one is there already."""
    digest = sha256_of(part)
    name = _stem(response) + (".csv.gz" if is_gzip(part) else ".csv")
    target = directory / digest / name
    if not (target.is_file() and sha256_of(target) == digest):
        target.parent.mkdir(exist_ok=True)
        part.replace(target)
    return _Entry(
        file=f"{digest}/{name}",
        sha256=digest,
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
    )


def _stem(response: httpx.Response) -> str:
    """The file's name without suffixes, from the address asked for or one it led to."""
    asked = [step.request.url for step in (*response.history, response)]
    names = [unquote(url.path).rsplit("/", 1)[-1] for url in asked]
    suffix = re.compile(r"\.csv(\.gz)?$|\.gz$", re.IGNORECASE)
    name = next((name for name in names if suffix.search(name)), names[0])
    stem = re.sub(r"[^\w.-]+", "_", suffix.sub("", name), flags=re.ASCII).strip("._")
    return stem[:_MAX_STEM] or "data"


def _read_index(directory: Path) -> dict[str, _Entry]:
    """The index; an unreadable one only costs a download, so it counts as empty."""
    try:
        entries = json.loads((directory / INDEX_FILE).read_text("utf-8"))
        return {url: _Entry(**entry) for url, entry in entries.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _write_index(directory: Path, index: dict[str, _Entry]) -> None:
    part = directory / f"{INDEX_FILE}.{os.getpid()}.part"
    entries = {url: asdict(entry) for url, entry in index.items()}
    part.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n", "utf-8")
    part.replace(directory / INDEX_FILE)


def _intact(entry: _Entry | None, directory: Path) -> _Entry | None:
    """The entry, when its file is there and still what was downloaded."""
    if entry is None:
        return None
    path = directory / entry.file
    return entry if path.is_file() and sha256_of(path) == entry.sha256 else None


@contextmanager
def _using(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInputError(
            f"Can't keep the download in {directory}: {error.strerror or error}. "
            "Choose an output folder that can be written and has room."
        ) from error


@contextmanager
def _talking_to(shown: str, timeout_s: float) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise BadInputError(f"{shown}: {_in_words(error, timeout_s)} {_BY_HAND}") from error


def _in_words(error: httpx.HTTPError, timeout_s: float) -> str:
    causes = list(_causes(error))
    if isinstance(error, httpx.TimeoutException):
        return f"the server was silent for {timeout_s:g} seconds. Try again later."
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "its host is not known. Check the address and the connection."
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "the server refuses the connection. Check the address and the port."
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return f"no secure connection could be made ({error})."
    if isinstance(error, httpx.TooManyRedirects):
        return "the server redirects in circles. Check the address."
    if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError)):
        return f"the connection broke off before the file was complete ({error}). Try again."
    return f"the download failed ({error}). Try again later."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
