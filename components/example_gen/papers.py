"""From a record of a CSV file to a paper, or to the reason why it is none."""

from __future__ import annotations

import ast
import functools
import warnings
from collections.abc import Iterator
from typing import Final, NamedTuple

from components.example_gen.settings import Columns, DataSettings
from schema import names
from schema.tables import Opener, Row, open_local, open_table

SPLIT_NAMES: Final = {
    names.TRAIN: names.TRAIN,
    names.VALIDATION: names.VALIDATION,
    "validation": names.VALIDATION,
    names.TEST: names.TEST,
}
"""What a split column may say, and the split that it means."""


class Paper(NamedTuple):
    """A well-formed row.

    Attributes:
        line: Line of the file on which it starts.
        title: The title; empty where there is no title column.
        text: The text that is classified.
        label_set: The label column's value as it stands in the file.
        labels: Its labels in their order, each once.
        split: The row's own split; None where the split is to be drawn.
    """

    line: int
    title: str
    text: str
    label_set: str
    labels: tuple[str, ...]
    split: str | None

    @property
    def key(self) -> str:
        """What makes two rows the same paper: the title or, where there is none, the text."""
        return self.title or self.text


class DeadLetter(NamedTuple):
    """A malformed row, kept with the reason.

    Attributes:
        file: The file it stands in.
        line: Line on which it starts.
        reason: What is wrong with it.
        fields: Its fields as they stand in the file.
    """

    file: str
    line: int
    reason: str
    fields: tuple[str, ...]


class _BadRowError(ValueError):
    """Why a row is no paper."""


def read_papers(
    path: str, settings: DataSettings, open_file: Opener = open_local
) -> Iterator[Paper | DeadLetter]:
    """Reads a CSV file; every row of it comes out as one or the other, in file order.

    Args:
        path: The file, see `csv_reader.open_table`.
        settings: The columns and how their labels are written.
        open_file: What opens the file.

    Yields:
        A paper or a dead letter for each row.

    Raises:
        BadInputError: The file itself is broken; the rows before the fault were yielded.
    """
    columns = settings.columns
    wanted = [columns.text, columns.labels]
    wanted += [name for name in (columns.title, columns.split) if name is not None]
    with open_table(path, wanted, open_file) as table:
        for row in table.rows:
            try:
                yield _parse(row, len(table.header), columns, settings.label_separator)
            except _BadRowError as error:
                yield DeadLetter(path, row.line, str(error), row.fields)


def _parse(row: Row, width: int, columns: Columns, separator: str | None) -> Paper:
    if row.values is None:
        raise _BadRowError(f"{len(row.fields)} fields where the header has {width}")
    text, label_set, *others = row.values
    title = others.pop(0) if columns.title is not None else ""
    if columns.title is not None and not title.strip():
        raise _BadRowError(f"empty {columns.title!r}")
    if not text.strip():
        raise _BadRowError(f"empty {columns.text!r}")
    try:
        labels = parse_labels(label_set, separator)
    except ValueError as error:
        raise _BadRowError(f"bad {columns.labels!r}: {error}") from error
    split = None
    if columns.split is not None:
        split = SPLIT_NAMES.get(others[0])
        if split is None:
            raise _BadRowError(
                f"bad {columns.split!r}: {_short(others[0])} is none of {', '.join(SPLIT_NAMES)}"
            )
    return Paper(row.line, title, text, label_set, labels, split)


# Few values are distinct, and evaluating a literal costs more than reading the row.
@functools.lru_cache(maxsize=65_536)
def parse_labels(value: str, separator: str | None) -> tuple[str, ...]:
    """Reads the labels from their column's value.

    Args:
        value: The value.
        separator: What stands between the labels; None where the value is a Python list
            literal.

    Returns:
        The labels in their order; one that repeats is kept once. White space at a label's ends
        is no part of it, and inside it any run of white space is one space: arXiv wraps long
        codes over several lines, and a vocabulary file has one label a line.

    Raises:
        ValueError: There is no label, or one is empty or holds what no label can.
    """
    if not value.strip():
        raise ValueError("no labels")
    parts = _read_literal(value) if separator is None else value.split(separator)
    labels = []
    for part in parts:
        if not isinstance(part, str):
            raise ValueError(f"the label {part!r} is not a string")
        label = " ".join(part.split())
        if not label:
            raise ValueError("a label is empty")
        if any(character < " " or character == "\x7f" for character in label):
            raise ValueError(f"the label {_short(label)} holds a control character")
        if any("\ud800" <= character <= "\udfff" for character in label):
            raise ValueError(f"the label {_short(label)} can't be written as UTF-8")
        labels.append(label)
    return tuple(dict.fromkeys(labels))


def _read_literal(value: str) -> list[object] | tuple[object, ...]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"{_short(value)} is not a Python list of strings") from error
    if not isinstance(parsed, list | tuple):
        raise ValueError(f"{_short(value)} is not a Python list of strings")
    if not parsed:
        raise ValueError("the list of labels is empty")
    return parsed


def _short(value: str, length: int = 60) -> str:
    return repr(value if len(value) <= length else value[:length] + "…")
