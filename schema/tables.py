"""Streams CSV and text files, plain or gzipped, and says exactly where one is broken."""

from __future__ import annotations

import bisect
import contextlib
import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from schema.errors import BadInputError

MAX_FIELD_CHARACTERS = 64 * 2**20
"""Longest field that is read."""

_MAX_LINE_CHARACTERS = 2 * MAX_FIELD_CHARACTERS
_GZIP_MAGIC = b"\x1f\x8b"
_LINE_BREAK = re.compile(rb"\r\n|\r|\n")

# What reading a stream may raise, gzip or not.
_READ_ERRORS = (EOFError, OSError, zlib.error)

_Stream = BinaryIO | gzip.GzipFile

Opener = Callable[[str], BinaryIO]
"""Opens a path (or a remote address) for reading bytes; raises OSError where it can't."""


Value = str | tuple[str, ...]
"""What a column holds in a row: text, or the items of a list where the file has real lists."""


class Row(NamedTuple):
    """One record of a file.

    Attributes:
        line: Line on which the record starts; the first line of the file is 1.
        fields: All fields, as they stand in the file.
        values: The values of the wanted columns in the given order, then of the optional ones,
            "" for one that the file lacks; None where the record is malformed.
        problem: Why it is malformed; empty where it isn't.
    """

    line: int
    fields: tuple[str, ...]
    values: tuple[Value, ...] | None
    problem: str = ""


class Table(NamedTuple):
    """An open CSV file: its column names and its records, which are read one by one."""

    header: tuple[str, ...]
    rows: Iterator[Row]


def open_local(path: str) -> BinaryIO:
    """Opens a file on a local disk."""
    return Path(path).open("rb")


@contextlib.contextmanager
def open_table(
    path: str,
    columns: Sequence[str],
    open_file: Opener = open_local,
    *,
    optional: Sequence[str] = (),
    remedy: str = "Rename the columns in the file",
) -> Iterator[Table]:
    """Opens a CSV file and reads its header.

    The dialect is RFC 4180's: commas, double quotes, a quote inside a quoted field doubled,
    line breaks inside quotes kept. Text is UTF-8, with or without a byte order mark; a name
    ending in ``.gz`` means gzip. Blank lines are not records. The file is never held in memory.

    Args:
        path: The file.
        columns: Names of the columns whose fields are wanted.
        open_file: What opens the file; by default the local disk.
        optional: Columns whose fields are wanted too, but may be missing.
        remedy: What to do about a missing column.

    Yields:
        The table. Reading its rows to the end raises where the file has a header only.

    Raises:
        BadInputError: The file can't be opened or read, is empty or has only a header, lacks a
            column or has it twice, is not UTF-8, holds a NUL, is gzip that is cut short or
            damaged, or has a quote that is not closed or closed in the middle of a field.
            The message names the line. The rest of the file after a fault is not guessed at.
    """
    # The limit is the whole process's, so it is only ever raised: other threads read too.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD_CHARACTERS))
    with _open_stream(path, open_file) as stream:
        records = _records(_Lines(path, stream))
        line, header = next(records, (1, []))
        if not header:
            raise BadInputError(f"{path}: is empty; it needs a header line with column names")
        there = ", ".join(map(repr, header))
        if missing := [name for name in columns if name not in header]:
            wanted = ", ".join(map(repr, missing))
            raise BadInputError(
                f"{path}, line {line}: no column {wanted}; the file has {there}. {remedy}"
            )
        if double := [name for name in (*columns, *optional) if header.count(name) > 1]:
            raise BadInputError(
                f"{path}, line {line}: more than one column {double[0]!r}; the file has {there}"
            )
        yield Table(tuple(header), _rows(path, records, header, (*columns, *optional)))


def read_lines(path: str, open_file: Opener = open_local) -> Iterator[bytes]:
    """Yields the lines of a file, plain or gzipped (``.gz``), as they stand.

    Raises:
        BadInputError: The file can't be opened or read, or is gzip that is cut short or damaged.
    """
    with _open_stream(path, open_file) as stream:
        for number in itertools.count(1):
            try:
                line = stream.readline()
            except _READ_ERRORS as error:
                raise _read_fault(path, number, error) from error
            if not line:
                return
            yield line


@contextlib.contextmanager
def _open_stream(path: str, open_file: Opener) -> Iterator[_Stream]:
    try:
        raw = open_file(path)
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: there is no such file") from error
    except OSError as error:
        raise BadInputError(f"{path}: can't be opened ({error.strerror or error})") from error
    with contextlib.closing(raw):
        if path.endswith(".gz"):
            with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
                yield stream
        else:
            yield raw


def _rows(
    path: str,
    records: Iterator[tuple[int, list[str]]],
    header: Sequence[str],
    columns: Sequence[str],
) -> Iterator[Row]:
    places = [header.index(name) if name in header else None for name in columns]
    none_read = True
    for line, fields in records:
        none_read = False
        if len(fields) == len(header):
            values = tuple("" if place is None else fields[place] for place in places)
            yield Row(line, tuple(fields), values)
        else:
            problem = f"{len(fields)} fields where the header has {len(header)}"
            yield Row(line, tuple(fields), None, problem)
    if none_read:
        raise BadInputError(f"{path}: has a header but no rows")


def _records(lines: _Lines) -> Iterator[tuple[int, list[str]]]:
    """Yields the first line and the fields of each record that is not a blank line."""
    reader = csv.reader(iter(lines), strict=True)
    while True:
        lines.record.clear()
        first = lines.number + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _record_fault(lines, first, error) from error
        # A quoted empty field is a row; a line of white space isn't.
        if len(fields) > 1 or lines.record[0].strip():
            yield first, fields


class _Lines:
    """Decodes a byte stream into lines and keeps those of the current record.

    Attributes:
        number: Lines handed out so far.
        record: The lines of the record being read; `_records` clears it.
        ended: Whether the end of the stream was reached.
    """

    def __init__(self, path: str, stream: _Stream) -> None:
        self.path = path
        self.number = 0
        self.record: list[str] = []
        self.ended = False
        self._stream = stream
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict", newline="")

    def __iter__(self) -> Iterator[str]:
        while line := self._read():
            self.number += 1
            if "\0" in line:
                raise self.fault(self.number, "contains a NUL character: this is not a text file")
            if len(line) == _MAX_LINE_CHARACTERS and line[-1] not in "\r\n":
                raise self.fault(self.number, f"is over {_MAX_LINE_CHARACTERS} characters long")
            self.record.append(line)
            yield line
        self.ended = True

    def _read(self) -> str:
        following = self.number + 1
        try:
            return self._text.readline(_MAX_LINE_CHARACTERS)
        except UnicodeDecodeError as error:
            # All lines that end before the faulty chunk have been handed out already.
            line = following + len(_LINE_BREAK.findall(error.object[: error.start]))
            byte = error.object[error.start]
            hint = "save it as UTF-8"
            if error.object.startswith(_GZIP_MAGIC):
                hint = "it looks like gzip, so its name must end in .gz"
            raise self.fault(line, f"is not UTF-8 (byte 0x{byte:02x}); {hint}") from error
        except _READ_ERRORS as error:
            raise _read_fault(self.path, following, error) from error

    def fault(self, line: int, reason: str) -> BadInputError:
        """Makes the error for a fault in the text, or in the gzip file where that explains it."""
        if isinstance(self._stream, gzip.GzipFile):
            # Damaged gzip yields garbage first; its checksum comes last.
            try:
                while self._stream.read(2**20):
                    pass
            except _READ_ERRORS as error:
                return _read_fault(self.path, line, error)
        return BadInputError(f"{self.path}, line {line}: {reason}")


def _read_fault(path: str, line: int, error: Exception) -> BadInputError:
    if isinstance(error, EOFError):
        reason = "the gzip file is cut short; download it again"
    elif isinstance(error, gzip.BadGzipFile | zlib.error):
        reason = f"the gzip file is damaged ({error}); download it again"
    else:
        reason = f"reading fails here ({getattr(error, 'strerror', None) or error})"
    return BadInputError(f"{path}, line {line}: {reason}")


def _record_fault(lines: _Lines, first: int, error: csv.Error) -> BadInputError:
    """Says where in the current record the quote opened that broke it."""
    where = _find_quote_fault(lines.record)
    if where is None:
        return lines.fault(first, str(error))
    opened, closed = where
    if closed is None:
        until = "by the end of the file"
        if not lines.ended:
            until = f"within {MAX_FIELD_CHARACTERS} characters"
        return lines.fault(
            first + opened,
            f"a quote opens here and is not closed {until} (line {lines.number}). Close it; a "
            "quote inside a quoted field must be doubled",
        )
    return lines.fault(
        first + closed,
        f"text follows the closing quote of a field that opens on line {first + opened}. Close "
        "that field before the next comma; a quote inside a quoted field must be doubled",
    )


def _find_quote_fault(record: Sequence[str]) -> tuple[int, int | None] | None:
    """Finds the quoted field that breaks a record.

    Args:
        record: The record's lines, up to where reading stopped.

    Returns:
        Offsets, in lines, of where the field's quote opens and of where it closes (None where
        it doesn't); None where the quotes are sound.
    """
    text = "".join(record)
    ends = list(itertools.accumulate(len(line) for line in record))
    position = 0
    while True:
        if not text.startswith('"', position):
            comma = text.find(",", position)
            if comma < 0:
                return None
            position = comma + 1
            continue
        opened = bisect.bisect_right(ends, position)
        close = text.find('"', position + 1)
        while close >= 0 and text.startswith('"', close + 1):
            close = text.find('"', close + 2)
        if close < 0:
            return opened, None
        if text[close + 1 : close + 2] not in ("", ",", "\r", "\n"):
            return opened, bisect.bisect_right(ends, close)
        if not text.startswith(",", close + 1):
            return None
        position = close + 2
