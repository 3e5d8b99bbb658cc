"""Reads the papers of a file, row by row, good ones and bad ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from schema import names
from schema.tables import Form, Value, open_table
from schema.text import join_title_and_abstract


class PaperColumns(NamedTuple):
    """What a file calls the title and the text; the title may be missing."""

    title: str | None
    text: str


class Layout(NamedTuple):
    """How a file holds its papers.

    Attributes:
        columns: What title and text may be called; of a row the first that holds a text count.
        form: How the file is written, if it is of the CSV kind.
        keep: Columns that are carried along.
    """

    columns: Sequence[PaperColumns] = (
        PaperColumns(names.TITLES, names.SUMMARIES),
        PaperColumns(None, "text"),
        PaperColumns("title", "abstract"),
    )
    form: Form = Form()
    keep: tuple[str, ...] = ()


USUAL_LAYOUT: Final = Layout()
_REMEDY: Final = "Rename them, or name its columns in data.columns (--profile, --set)"


@dataclass(frozen=True)
class PaperRow:
    """One row of a file.

    Attributes:
        number: Its number; the first row is 1.
        line: Line on which it starts; the first line of the file is 1.
        digest: Hash of its content, by which a changed row is recognised.
        text: The text that the model is asked about; empty where `problem` is set.
        problem: Why it has none; None for a good row.
        kept: The values of the columns that are carried along.
    """

    number: int
    line: int
    digest: str
    text: str
    problem: str | None
    kept: Mapping[str, Value] = field(default_factory=dict)


def read_rows(
    path: Path, layout: Layout = USUAL_LAYOUT, remedy: str = _REMEDY
) -> Iterator[PaperRow]:
    """Reads a file of papers in any form that a run reads, see `schema.tables.open_table`.

    Every row comes out, and blank lines are skipped.

    Raises:
        BadInputError: The file can't be read, or is so broken that its rows can't be told apart;
            the message names the line.
    """
    texts = [each.text for each in layout.columns]
    titles = [each.title for each in layout.columns if each.title is not None]
    with open_table(
        str(path), layout.keep, one_of=texts, optional=titles, form=layout.form, remedy=remedy
    ) as table:
        there = [each for each in layout.columns if each.text in table.header]
        for number, row in enumerate(table.rows, start=1):
            values = dict(zip((*layout.keep, *texts, *titles), row.values or (), strict=False))
            kept = {name: values[name] for name in layout.keep if row.values is not None}
            text, problem = "", row.problem
            if not problem:
                try:
                    text = _text(values, there)
                except ValueError as error:
                    problem = str(error)
            content = json.dumps(row.fields) if problem else text
            if kept:
                content += json.dumps(kept)
            digest = hashlib.sha256(content.encode("utf-8")).hexdigest()[:16]
            yield PaperRow(number, row.line, digest, text, problem or None, kept)


def _text(values: Mapping[str, Value], columns: Sequence[PaperColumns]) -> str:
    for each in columns:
        title = values[each.title] if each.title else ""
        text = values[each.text]
        for name, value in ((each.title, title), (each.text, text)):
            if not isinstance(value, str):
                raise ValueError(f"bad {name!r}: a list where a text is expected")
        if str(text).strip():
            return join_title_and_abstract(str(title), str(text))
    names = ", ".join(repr(each.text) for each in columns)
    raise ValueError(f"empty {names}")
