"""Opens a file of rows in any form: CSV and its kin, JSON lines or Parquet."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from schema.csv_file import SEPARATORS, open_csv
from schema.errors import BadInputError
from schema.json_lines import open_json_lines
from schema.parquet import open_parquet
from schema.row import Row, Source, Value
from schema.streams import Opener, Stream, open_local, open_stream

__all__ = ["Form", "Opener", "Row", "Table", "Value", "open_local", "open_table"]

# A name says that it is JSON; so does a first line that is the beginning of an object.
_JSON_NAME: Final = re.compile(r"\.(jsonl|ndjson|json)(\.(gz|bz2|xz|zip))?$")
_JSON_HEAD: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\[?\s*\{\s*"')
_MANY_WORDS: Final = 6


@dataclass(frozen=True)
class Form:
    """What a file of the CSV kind doesn't say itself.

    Attributes:
        separator: What separates the fields.
        header: The names of the columns; None where the first line holds them.
    """

    separator: str = ","
    header: tuple[str, ...] | None = None


class Table(NamedTuple):
    """An open file: its column names and its rows, which are read one by one."""

    header: tuple[str, ...]
    rows: Iterator[Row]


@contextlib.contextmanager
def open_table(
    path: str,
    columns: Sequence[str],
    open_file: Opener = open_local,
    *,
    one_of: Sequence[str] = (),
    optional: Sequence[str] = (),
    form: Form = Form(),
    remedy: str = "Rename the columns in the file",
) -> Iterator[Table]:
    """Opens a file and finds its columns.

    It may be packed with gzip, bz2, xz or zip. Parquet is told by its first bytes, JSON lines
    by them or by the name. Anything else is CSV by RFC 4180: double quotes, a quote inside a
    quoted field doubled, line breaks inside quotes kept. Text is UTF-8, with or without a byte
    order mark. Blank lines are not records. The file is never held in memory.

    Args:
        path: The file.
        columns: Names of the columns whose values are wanted.
        open_file: What opens the file; by default the local disk.
        one_of: Columns whose values are wanted, of which one must be there.
        optional: Columns whose values are wanted too, but may be missing.
        form: How it is written, if it is of the CSV kind.
        remedy: What to do about a missing column.

    Yields:
        The table. Reading its rows to the end raises where there are none.

    Raises:
        BadInputError: The file can't be opened or read, is empty or has only a header, lacks a
            column or has it twice, is not UTF-8, holds a NUL, is packed and cut short or
            damaged, or has a quote that is not closed or closed in the middle of a field.
            The message names the line. The rest of the file after a fault is not guessed at.
    """
    wanted = (*columns, *one_of, *optional)
    with open_stream(path, open_file) as stream:
        source = _open_source(stream, form)
        header, where = source.header, f"{path}, line {source.line}"
        needed = (*columns, *one_of[:1]) if not set(one_of) & set(header) else columns
        if missing := [name for name in needed if name not in header]:
            hint = _separator_hint(source, missing) or remedy
            raise BadInputError(
                f"{where}: no column {_quoted(missing)}; the file has {_quoted(header)}. {hint}"
            )
        if double := [name for name in wanted if header.count(name) > 1]:
            raise BadInputError(
                f"{where}: more than one column {double[0]!r}; the file has {_quoted(header)}"
            )
        yield Table(tuple(header), source.rows(wanted))


def _open_source(stream: Stream, form: Form) -> Source:
    if stream.head.startswith(b"PAR1"):
        return open_parquet(stream)
    if _JSON_NAME.search(stream.path) or _JSON_HEAD.match(stream.head):
        return open_json_lines(stream)
    return open_csv(stream, form.separator, form.header)


def _separator_hint(source: Source, missing: Sequence[str]) -> str:
    """Says what the first line looks like, where that isn't names between our separators."""
    if source.separator is None:
        return ""
    hints = []
    line = source.separator.join(source.header)
    for separator, name in SEPARATORS.items():
        names = next(csv.reader([line], delimiter=separator), [])
        if separator != source.separator and (
            set(missing) <= set(names) or (len(source.header) == 1 < len(names))
        ):
            typed = separator.replace("\t", "\\t")
            hints.append(
                f"The fields seem to be separated by a {name}: set data.field_separator to "
                f"'{typed}'"
            )
    if any(len(name.split()) > _MANY_WORDS for name in source.header):
        hints.append(
            "The first line looks like a row: list the names of the columns in data.header"
        )
    return ". ".join(hints)


def _quoted(names: Sequence[str]) -> str:
    shown = [repr(name if len(name) <= 60 else f"{name[:60]}…") for name in names[:20]]
    more = [f"and {len(names) - 20} more"] if len(names) > 20 else []
    return ", ".join(shown + more)
