"""Opens files, packed or not, and decodes text line by line: one decoder for every way in."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, cast

from schema.errors import BadInputError

MAX_LINE_CHARACTERS = 2**27
"""Longest line that is read."""

Opener = Callable[[str], BinaryIO]
"""Opens a path (or a remote address) for reading bytes; raises OSError where it can't."""

_LINE_BREAK: Final = re.compile(rb"\r\n|\r|\n")
_UNPACKERS: Final[dict[bytes, tuple[str, Callable[[Any], Any]]]] = {
    b"\x1f\x8b": ("gzip", lambda raw: gzip.GzipFile(fileobj=raw, mode="rb")),
    b"BZh": ("bz2", bz2.BZ2File),
    b"\xfd7zXZ\0": ("xz", lzma.LZMAFile),
    b"PK\3\4": ("zip", lambda raw: _open_zip(zipfile.ZipFile(raw))),
}
_REFUSED: Final = {
    b"\x28\xb5\x2f\xfd": "is packed with zstd. Unpack it first: zstd -d FILE",
    b"\xd0\xcf\x11\xe0": "is an old Excel or Word file. Save the sheet as CSV UTF-8",
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
}
# What reading a stream may raise, packed or not.
_DAMAGE: Final = (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_READ_ERRORS: Final = (EOFError, OSError, *_DAMAGE)


class Stream(NamedTuple):
    """An open file, unpacked.

    Attributes:
        path: Its path.
        file: Its bytes; those of an unpacked file can be sought, those of a packed one can't.
        packing: What it is packed with; empty where it isn't.
        head: Its first bytes, which are not consumed.
    """

    path: str
    file: BinaryIO
    packing: str
    head: bytes


def open_local(path: str) -> BinaryIO:
    """Opens a file on a local disk."""
    return Path(path).open("rb")


@contextlib.contextmanager
def open_stream(path: str, open_file: Opener = open_local) -> Iterator[Stream]:
    """Opens a file and unpacks it on the way; its first bytes tell how it is packed.

    Raises:
        BadInputError: It can't be opened or read, or is in a form that is not read.
    """
    try:
        raw = open_file(path)
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: there is no such file") from error
    except OSError as error:
        raise BadInputError(f"{path}: can't be opened ({error.strerror or error})") from error
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.closing(raw))
        packing = ""
        try:
            file = raw if hasattr(raw, "peek") else io.BufferedReader(cast(Any, raw))
            start = file.peek(8)
            for magic, (name, unpack) in _UNPACKERS.items():
                if start.startswith(magic):
                    packing = name
                    file = stack.enter_context(contextlib.closing(unpack(file)))
            head = file.peek(512)
        except _READ_ERRORS as error:
            raise _read_fault(path, "line 1", error, packing) from error
        except BadInputError as error:
            raise BadInputError(f"{path}: {error}") from error
        for magic, reason in _REFUSED.items():
            if head.startswith(magic):
                raise BadInputError(f"{path}: {reason}")
        yield Stream(path, file, packing, head)


def _open_zip(archive: zipfile.ZipFile) -> Any:
    """Opens the one file of an archive; `open_stream` adds the path to what is wrong with it."""
    names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    if any(name.startswith("xl/") or name == "content.xml" for name in names):
        raise BadInputError("is a spreadsheet, not text. Save the sheet as CSV UTF-8")
    files = [name for name in names if not name.startswith("__MACOSX/")]
    if len(files) != 1:
        raise BadInputError(f"is a zip of {len(files)} files. Unpack it, and give one of them")
    try:
        return archive.open(files[0])
    except (RuntimeError, NotImplementedError) as error:
        # A password, or a method that the standard library lacks.
        raise BadInputError(f"is a zip that can't be read ({error}). Unpack it first") from error


class Lines:
    """Decodes a byte stream into lines and keeps those of the current record.

    Attributes:
        number: Lines handed out so far.
        record: The lines handed out since the reader last cleared it.
        ended: Whether the end of the stream was reached.
    """

    def __init__(self, stream: Stream) -> None:
        self.path = stream.path
        self.number = 0
        self.record: list[str] = []
        self.ended = False
        self._stream = stream
        self._text = io.TextIOWrapper(
            stream.file, encoding="utf-8-sig", errors="strict", newline=""
        )

    def __iter__(self) -> Iterator[str]:
        while line := self._read():
            self.number += 1
            if "\0" in line:
                raise self.fault(self.number, "contains a NUL character: this is not a text file")
            if len(line) == MAX_LINE_CHARACTERS and line[-1] not in "\r\n":
                raise self.fault(self.number, f"is over {MAX_LINE_CHARACTERS} characters long")
            self.record.append(line)
            yield line
        self.ended = True

    def _read(self) -> str:
        following = self.number + 1
        try:
            return self._text.readline(MAX_LINE_CHARACTERS)
        except UnicodeDecodeError as error:
            # All lines that end before the faulty chunk have been handed out already.
            line = following + len(_LINE_BREAK.findall(error.object[: error.start]))
            hint = "this is not a text file" if b"\0" in error.object else "save it as UTF-8"
            byte = error.object[error.start]
            raise self.fault(line, f"is not UTF-8 (byte 0x{byte:02x}); {hint}") from error
        except _READ_ERRORS as error:
            raise _read_fault(
                self.path, f"line {following}", error, self._stream.packing
            ) from error

    def fault(self, line: int, reason: str) -> BadInputError:
        """Makes the error for a fault in the text, or in the packed file where that explains it."""
        if self._stream.packing:
            # A damaged file yields garbage first; its checksum comes last.
            try:
                drain(self._stream, f"line {line}")
            except BadInputError as error:
                return error
        return BadInputError(f"{self.path}, line {line}: {reason}")


def drain(stream: Stream, where: str = "line 1") -> None:
    """Reads a file to its end; raises a BadInputError if it is damaged."""
    try:
        while stream.file.read(2**20):
            pass
    except _READ_ERRORS as error:
        raise _read_fault(stream.path, where, error, stream.packing) from error


def _read_fault(path: str, where: str, error: Exception, packing: str) -> BadInputError:
    """Makes the error for a file that can't be read any further."""
    if packing and isinstance(error, EOFError):
        reason = f"the {packing} file is cut short; download it again"
    elif isinstance(error, _DAMAGE) or (packing and not getattr(error, "errno", None)):
        reason = f"the {packing} file is damaged ({error}); download it again"
    else:
        reason = f"reading fails here ({getattr(error, 'strerror', None) or error})"
    return BadInputError(f"{path}, {where}: {reason}")
