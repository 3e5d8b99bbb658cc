"""Streams the records of a CSV file, plain or gzipped, and says exactly where it is broken."""

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

Opener = Callable[[str], BinaryIO]
"""Opens a path (or a remote address) for reading bytes; raises OSError where it can't."""


class Row(NamedTuple):
    """One record of a CSV file.

    Attributes:
        line: Line on which the record starts; the first line of the file is 1.
        fields: All fields, as they stand in the file.
        values: The asked columns' fields in the asked order; None where the record has not as
            many fields as the header.
    """

    line: int
    fields: tuple[str, ...]
    values: tuple[str, ...] | None


class Table(NamedTuple):
    """An open CSV file: its column names and its records, which are read as they are asked for."""

    header: tuple[str, ...]
    rows: Iterator[Row]


def open_local(path: str) -> BinaryIO:
    """Opens a file on a local disk."""
    return Path(path).open("rb")


@contextlib.contextmanager
def open_table(
    path: str, columns: Sequence[str], open_file: Opener = open_local
) -> Iterator[Table]:
    """Opens a CSV file and reads its header.

    The dialect is RFC 4180's: commas, double quotes, a quote inside a quoted field doubled,
    line breaks inside quotes kept. Text is UTF-8, with or without a byte order mark; a name
    ending in ``.gz`` means gzip. Blank lines are not records. The file is never held in memory.

    Args:
        path: The file.
        columns: Names of the columns whose fields are wanted.
        open_file: What opens the file; by default the local disk.

    Yields:
        The table. Reading its rows to the end raises where the file has a header only.

    Raises:
        BadInputError: The file can't be opened or read, is empty or has only a header, lacks a
            column or has it twice, is not UTF-8, holds a NUL, is gzip that is cut short or
            damaged, or has a quote that is not closed or closed in the middle of a field.
            The message names the line. The rest of the file after a fault is not guessed at.
    """
    # The limit belongs to the whole process: it is only ever raised, so that readers in
    # other threads never see it fall under what they need.
    if csv.field_size_limit() < MAX_FIELD_CHARACTERS:
        csv.field_size_limit(MAX_FIELD_CHARACTERS)
    try:
        raw = open_file(path)
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: there is no such file") from error
    except OSError as error:
        raise BadInputError(f"{path}: can't be opened ({error.strerror or error})") from error
    with contextlib.ExitStack() as stack:
        stack.callback(raw.close)
        stream: BinaryIO | gzip.GzipFile = raw
        if path.endswith(".gz"):
            stream = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="rb"))
        records = _records(_Lines(path, stream))
        line, header = next(records, (1, []))
        if not header:
            raise BadInputError(f"{path}: is empty; it needs a header line with column names")
        _check_header(path, line, header, columns)
        places = [header.index(name) for name in columns]
        yield Table(tuple(header), _rows(path, records, len(header), places))


def _check_header(path: str, line: int, header: Sequence[str], columns: Sequence[str]) -> None:
    there = ", ".join(repr(name) for name in header)
    missing = [name for name in columns if name not in header]
    if missing:
        wanted = ", ".join(repr(name) for name in missing)
        raise BadInputError(
            f"{path}, line {line}: no column {wanted}; the file has {there}. "
            "Rename them, or set data.columns to the names in the file"
        )
    double = [name for name in columns if header.count(name) > 1]
    if double:
        raise BadInputError(
            f"{path}, line {line}: the column {double[0]!r} stands there more than once; "
            f"the file has {there}"
        )


def _rows(
    path: str, records: Iterator[tuple[int, list[str]]], width: int, places: Sequence[int]
) -> Iterator[Row]:
    none_read = True
    for line, fields in records:
        none_read = False
        values = tuple(fields[place] for place in places) if len(fields) == width else None
        yield Row(line, tuple(fields), values)
    if none_read:
        raise BadInputError(f"{path}: has a header and no row after it")


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
        # A quoted empty field is a field; a line of white space is none.
        if len(fields) > 1 or lines.record[0].strip():
            yield first, fields


class _Lines:
    """Decodes a byte stream into lines and remembers those of the current record.

    Attributes:
        number: Lines handed out so far.
        record: The lines of the record that is being read; whoever reads records clears it.
        ended: Whether the end of the stream was reached.
    """

    def __init__(self, path: str, stream: BinaryIO | gzip.GzipFile) -> None:
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
                raise self.fault(self.number, "holds a NUL character: this is not a text file")
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
                hint = "it looks like gzip: then its name must end in .gz"
            raise self.fault(line, f"is not UTF-8 (byte 0x{byte:02x}); {hint}") from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _gzip_fault(self.path, following, error) from error
        except OSError as error:
            reason = f"can't be read on from here ({error.strerror or error})"
            raise BadInputError(f"{self.path}, line {following}: {reason}") from error

    def fault(self, line: int, reason: str) -> BadInputError:
        """Makes the error for a fault in the text, or in the gzip file where that explains it."""
        if isinstance(self._stream, gzip.GzipFile):
            # Damaged gzip gives garbage first; its checksum stands at the end.
            try:
                while self._stream.read(2**20):
                    pass
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                return _gzip_fault(self.path, line, error)
        return BadInputError(f"{self.path}, line {line}: {reason}")


def _gzip_fault(path: str, line: int, error: Exception) -> BadInputError:
    what = "is cut short" if isinstance(error, EOFError) else f"is damaged ({error})"
    return BadInputError(f"{path}, line {line}: the gzip file {what}; fetch it again")


def _record_fault(lines: _Lines, first: int, error: csv.Error) -> BadInputError:
    """Says where in the current record the quote opened that broke it."""
    where = _find_quote_fault(lines.record)
    if where is None:
        return lines.fault(first, str(error))
    opened, closed = where
    if closed is None:
        until = "the end of the file" if lines.ended else f"{MAX_FIELD_CHARACTERS} characters on"
        return lines.fault(
            first + opened,
            f"a quote opens here and is not closed by {until} (line {lines.number}). Close it; a "
            "quote inside a quoted field must be doubled",
        )
    return lines.fault(
        first + closed,
        "text follows a closing quote; the quote that it closes opened on line "
        f"{first + opened}. Either that one is not closed where it should be, or a quote inside "
        "the field is not doubled",
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
