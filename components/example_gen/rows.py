"""From a row of a CSV file to a paper, or to the reason why it isn't one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from components.example_gen.label_values import parse_labels, short
from components.example_gen.settings import Columns, DataSettings
from components.papers.raw_paper import RawPaper
from schema import names
from schema.tables import Opener, Row, Value, open_local, open_table

SPLIT_NAMES: Final = {
    names.TRAIN: names.TRAIN,
    names.VALIDATION: names.VALIDATION,
    "validation": names.VALIDATION,
    names.TEST: names.TEST,
}
"""What a split column may say, and the split that it means."""


class PaperRow(NamedTuple):
    """A well-formed row.

    Attributes:
        line: Line of the file on which it starts.
        paper: The paper; its title is empty where there is no title column.
        label_set: The label column's value as it is in the file.
        split: The row's own split; None where the split is to be drawn.
    """

    line: int
    paper: RawPaper
    label_set: str
    split: str | None


class DeadLetter(NamedTuple):
    """A malformed row, kept with the reason.

    Attributes:
        file: Its file.
        line: Line on which it starts.
        reason: What is wrong with it.
        fields: Its fields, as they are in the file.
    """

    file: str
    line: int
    reason: str
    fields: tuple[str, ...]

    def to_json(self) -> str:
        """Returns it as one line of JSON, with its attributes' names as keys."""
        return json.dumps(self._asdict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> DeadLetter:
        """Reads what `to_json` returned."""
        read = json.loads(line)
        return cls(**{**read, "fields": tuple(read["fields"])})


class _BadRowError(ValueError):
    """Why a row isn't a paper."""


def read_rows(
    path: str, settings: DataSettings, open_file: Opener = open_local
) -> Iterator[PaperRow | DeadLetter]:
    """Reads a CSV file; every row of it comes out as one or the other, in file order.

    Args:
        path: The file, see `schema.tables.open_table`.
        settings: How it is read.
        open_file: What opens the file.

    Yields:
        A paper or a dead letter for each row.

    Raises:
        BadInputError: The file itself is broken; the rows before the fault were yielded.
    """
    columns = settings.columns
    wanted = [columns.text, columns.labels]
    wanted += [name for name in (columns.title, columns.split) if name is not None]
    remedy = "Rename them, or set data.columns to the names in the file"
    with open_table(path, wanted, open_file, form=settings.form, remedy=remedy) as table:
        for row in table.rows:
            try:
                yield _parse(row, columns, settings.label_separator)
            except _BadRowError as error:
                yield DeadLetter(path, row.line, str(error), row.fields)


def _parse(row: Row, columns: Columns, separator: str | None) -> PaperRow:
    if row.values is None:
        raise _BadRowError(row.problem)
    abstract = _text(row.values[0], columns.text)
    label_value = row.values[1]
    # As a CSV file writes it, so that a set of labels is the same in every form of file.
    label_set = label_value if isinstance(label_value, str) else repr(list(label_value))
    others = list(row.values[2:])
    title = "" if columns.title is None else _text(others.pop(0), columns.title)
    if columns.title is not None and not title.strip():
        raise _BadRowError(f"empty {columns.title!r}")
    if not abstract.strip():
        raise _BadRowError(f"empty {columns.text!r}")
    try:
        labels = parse_labels(label_value, separator)
    except ValueError as error:
        raise _BadRowError(f"bad {columns.labels!r}: {error}") from error
    split = None
    if columns.split is not None:
        named = _text(others[0], columns.split)
        split = SPLIT_NAMES.get(named)
        if split is None:
            allowed = ", ".join(SPLIT_NAMES)
            raise _BadRowError(f"bad {columns.split!r}: {short(named)} is not one of {allowed}")
    return PaperRow(row.line, RawPaper(title, abstract, labels), label_set, split)


def _text(value: Value, column: str) -> str:
    if not isinstance(value, str):
        raise _BadRowError(f"bad {column!r}: a list where a text is expected")
    return value
