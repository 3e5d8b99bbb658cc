"""A row of a file in any form, and what a reader of one form hands out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

Value = str | tuple[str, ...]
"""What a column holds in a row: text, or the items of a list where the file has real lists."""


class Row(NamedTuple):
    """One record of a file.

    Attributes:
        line: Line on which the record starts, or its number in a Parquet file; the first is 1.
        fields: All fields, as they stand in the file; of a JSON object its text.
        values: The values of the wanted columns, in their order, "" for one that the file lacks;
            None where the record is malformed.
        problem: Why it is malformed; empty where it isn't.
    """

    line: int
    fields: tuple[str, ...]
    values: tuple[Value, ...] | None
    problem: str = ""


class Source(NamedTuple):
    """An open file in one form.

    Attributes:
        header: The names of its columns.
        line: Where they stand.
        rows: Reads the rows; takes the names of the columns that are wanted.
        separator: What separates the fields, in a form that has such a thing.
    """

    header: Sequence[str]
    line: int
    rows: Callable[[Sequence[str]], Iterator[Row]]
    separator: str | None = None


def typed_row(line: int, fields: tuple[str, ...], typed: dict[str, object]) -> Row:
    """Makes a row of values that have types, as in JSON and Parquet.

    Numbers and booleans become their text, and what isn't there becomes "". Anything else that
    is neither a text nor a list of these makes the row malformed.
    """
    values = []
    for name, each in typed.items():
        value = _value(each)
        if value is None:
            return Row(line, fields, None, f"bad {name!r}: neither a text nor a list of texts")
        try:
            "".join(value).encode("utf-8")
        except UnicodeEncodeError as error:
            return Row(line, fields, None, f"bad {name!r}: not valid UTF-8: {error.reason}")
        values.append(value)
    return Row(line, fields, tuple(values))


def _value(value: object) -> Value | None:
    if isinstance(value, list):
        items = [_value(item) for item in value]
        texts = tuple(item for item in items if isinstance(item, str))
        return texts if len(texts) == len(items) else None
    if isinstance(value, str):
        return value
    # Not a number is how pandas writes that a number is missing.
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else None
