"""Reads CSV, and the like with another separator, and says exactly where it is broken."""

from __future__ import annotations

import bisect
import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from schema.errors import BadInputError
from schema.row import Row, Source
from schema.streams import Lines, Stream

MAX_FIELD_CHARACTERS = 64 * 2**20
"""Longest field that is read."""

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "'|'"}
"""The usual separators, and what a message calls them."""

# Excel says with such a line what separates the fields; nobody else takes it for a row.
_SEPARATOR_LINE: Final = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=([\x09\x20-\x7e])"?[\r\n]')


def open_csv(stream: Stream, separator: str, header: Sequence[str] | None) -> Source:
    """Reads the header.

    Args:
        stream: The file.
        separator: What separates the fields, unless the file itself says it in a line `sep=;`.
        header: The names of the columns; None where the first line holds them.
    """
    # The limit is the whole process's, so it is only ever raised: other threads read too.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD_CHARACTERS))
    lines = Lines(stream)
    if named := _SEPARATOR_LINE.match(stream.head):
        separator = named[1].decode()
        next(iter(lines))
    records = _records(lines, separator)
    line = lines.number + 1
    if header is None:
        line, header = next(records, (line, []))
    if not header:
        raise BadInputError(f"{stream.path}: is empty; it needs a header line with column names")
    return Source(header, line, partial(_rows, stream.path, records, header), separator)


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


def _records(lines: Lines, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the first line and the fields of each record that is not a blank line."""
    reader = csv.reader(iter(lines), delimiter=separator, strict=True)
    while True:
        lines.record.clear()
        first = lines.number + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _record_fault(lines, first, separator, error) from error
        # A quoted empty field is a row; a line of white space isn't.
        if len(fields) > 1 or lines.record[0].strip():
            yield first, fields


def _record_fault(lines: Lines, first: int, separator: str, error: csv.Error) -> BadInputError:
    """Says where in the current record the quote opened that broke it."""
    where = _find_quote_fault(lines.record, separator)
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
        f"that field before the next {SEPARATORS.get(separator, repr(separator))}; a quote inside "
        "a quoted field must be doubled. Where the fields are separated by something else, set "
        "data.field_separator to it",
    )


def _find_quote_fault(record: Sequence[str], separator: str) -> tuple[int, int | None] | None:
    """Finds the quoted field that breaks a record; None where the quotes are sound.

    Returns the lines of the record, from 0, in which the quote opens and closes (None: it doesn't).
    """
    text = "".join(record)
    ends = list(itertools.accumulate(len(line) for line in record))
    position = 0
    while True:
        if not text.startswith('"', position):
            following = text.find(separator, position)
            if following < 0:
                return None
            position = following + 1
            continue
        opened = bisect.bisect_right(ends, position)
        close = text.find('"', position + 1)
        while close >= 0 and text.startswith('"', close + 1):
            close = text.find('"', close + 2)
        if close < 0:
            return opened, None
        if text[close + 1 : close + 2] not in ("", separator, "\r", "\n"):
            return opened, bisect.bisect_right(ends, close)
        if not text.startswith(separator, close + 1):
            return None
        position = close + 2
