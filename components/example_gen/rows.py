"""From a row of a file to a paper, or to the reason why it isn't one."""

from __future__ import annotations

import collections
import contextlib
import json
from collections.abc import Container, Iterator
from typing import Final, NamedTuple

from components.example_gen.label_sets import label_set_of
from components.example_gen.label_values import parse_flags, parse_labels, short
from components.example_gen.settings import DataSettings
from components.papers.raw_paper import RawPaper
from schema import names
from schema.errors import BadInputError
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
        label_set: What stands for its label set, see `label_sets.label_set_of`.
        split: The row's own split; None where the split is to be drawn.
    """

    line: int
    paper: RawPaper
    label_set: str
    split: str | None

    def is_dropped(self, settings: DataSettings) -> bool:
        """Tells whether it is dropped because it has no labels."""
        return not self.paper.labels and settings.unlabelled == "drop"


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
    path: str,
    settings: DataSettings,
    open_file: Opener = open_local,
    left_out: Container[str] = (),
) -> Iterator[PaperRow | DeadLetter]:
    """Reads a file; every row of it comes out as one or the other, in file order.

    Args:
        path: The file, see `schema.tables.open_table`.
        settings: How it is read.
        open_file: What opens the file.
        left_out: Labels that are left out of the papers.

    Yields:
        A paper or a dead letter for each row.

    Raises:
        BadInputError: The file itself is broken, or a row has no labels where
            `data.unlabelled` is `error`; the rows before the fault were yielded.
    """
    columns = settings.columns
    wanted = [columns.text, *columns.label_columns]
    wanted += [name for name in (columns.title, columns.split) if name is not None]
    remedy = "Rename them, or set data.columns to the names in the file (its title may be null)"
    with open_table(path, wanted, open_file, form=settings.form, remedy=remedy) as table:
        for row in table.rows:
            try:
                paper = _parse(row, table.header, settings, left_out)
            except _BadRowError as error:
                yield DeadLetter(path, row.line, str(error), row.fields)
                continue
            if not paper.paper.labels and settings.unlabelled == "error":
                raise BadInputError(
                    f"{path}, line {row.line}: no labels{' are left' if left_out else ''}. Set "
                    "data.unlabelled to drop or keep"
                )
            yield paper


def count_labels(
    path: str, settings: DataSettings, open_file: Opener = open_local
) -> collections.Counter[str]:
    """Counts the rows of each label; of none, where no label may be left out."""
    counts: collections.Counter[str] = collections.Counter()
    if settings.may_leave_labels_out:
        # What is wrong with a file is told by the next reading.
        with contextlib.suppress(BadInputError):
            for row in read_rows(path, settings, open_file):
                counts.update(row.paper.labels if isinstance(row, PaperRow) else ())
    return counts


def _parse(
    row: Row, header: tuple[str, ...], settings: DataSettings, left_out: Container[str]
) -> PaperRow:
    if row.values is None:
        raise _BadRowError(row.problem)
    # A file that was appended to another may begin with a byte order mark.
    if ("".join(row.fields[:1]).lstrip("\ufeff"), *row.fields[1:]) == header:
        raise _BadRowError("the header stands here again")
    columns = settings.columns
    width = 1 + len(columns.label_columns)
    abstract = _text(row.values[0], columns.text)
    others = list(row.values[width:])
    title = "" if columns.title is None else _text(others.pop(0), columns.title)
    if columns.title is not None and not title.strip():
        raise _BadRowError(f"empty {columns.title!r}; data.columns.title may be null")
    if not abstract.strip():
        raise _BadRowError(f"empty {columns.text!r}")
    labels, value = _read_labels(row.values[1:width], settings)
    kept = tuple(label for label in labels if label not in left_out)
    fallen = tuple(label for label in labels if label in left_out)
    split = None
    if columns.split is not None:
        named = _text(others[0], columns.split)
        split = SPLIT_NAMES.get(named)
        if split is None:
            allowed = ", ".join(SPLIT_NAMES)
            raise _BadRowError(f"bad {columns.split!r}: {short(named)} is not one of {allowed}")
    paper = RawPaper(title, abstract, kept, fallen)
    return PaperRow(row.line, paper, label_set_of(kept, value, settings), split)


def _read_labels(values: tuple[Value, ...], settings: DataSettings) -> tuple[tuple[str, ...], str]:
    """Returns the labels, and the value of their column."""
    columns = settings.columns.labels
    try:
        if not isinstance(columns, str):
            return parse_flags(values, columns), repr(values)
        labels = parse_labels(values[0], settings.label_format, settings.label_separator)
    except ValueError as error:
        where = f"bad {columns!r}: " if isinstance(columns, str) else ""
        raise _BadRowError(f"{where}{error}") from error
    # As a CSV file writes it, so that a set of labels is the same in every form of file.
    return labels, values[0] if isinstance(values[0], str) else repr(list(values[0]))


def _text(value: Value, column: str) -> str:
    if not isinstance(value, str):
        raise _BadRowError(f"bad {column!r}: a list where a text is expected")
    return value
