"""Reads the papers of a CSV or JSON lines file, row by row, good ones and bad ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schema import names
from schema.errors import UsageError
from schema.tables import open_table, read_lines
from schema.text import join_title_and_abstract

# What a JSON object may call the title and the abstract: the columns' names, or plain ones.
_PAIRS: Final = ((names.TITLES, names.SUMMARIES), ("title", "abstract"))


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        number: Its number; the first row is 1.
        line: Line on which it starts; the first line of the file is 1.
        digest: Hash of its content, by which a changed row is recognised.
        text: The text that the model is asked about; empty where `problem` is set.
        problem: Why it has none; None for a good row.
    """

    number: int
    line: int
    digest: str
    text: str
    problem: str | None


class _BadRowError(ValueError):
    """Why a row has no text."""


def read_rows(path: Path) -> Iterator[Row]:
    """Reads a file of papers; every row comes out, and blank lines are skipped.

    A CSV file is read as the pipeline reads its data, see `schema.tables`. It needs the column
    `summaries`; `titles` is used where it is there. A JSON lines file has one object a line, with
    `text`, or `title` and `abstract`, or `titles` and `summaries`; the title may be missing.
    Either may be gzipped (`.gz`).

    Raises:
        UsageError: The name says neither CSV nor JSON lines.
        BadInputError: The file can't be read, or is so broken that its rows can't be told apart;
            the message names the line.
    """
    kind = Path(path.name.removesuffix(".gz")).suffix
    if kind not in (".csv", ".jsonl"):
        raise UsageError(f"{path}: the name must end in .csv, .jsonl, .csv.gz or .jsonl.gz.")
    return _csv_rows(path) if kind == ".csv" else _json_rows(path)


def _csv_rows(path: Path) -> Iterator[Row]:
    with open_table(str(path), [names.SUMMARIES], optional=[names.TITLES]) as table:
        for number, (line, fields, values, problem) in enumerate(table.rows, start=1):
            try:
                if values is None:
                    raise _BadRowError(problem)
                abstract, title = values
                text = _join(title, abstract, names.SUMMARIES)
                yield Row(number, line, _digest(text), text, None)
            except _BadRowError as error:
                yield Row(number, line, _digest(json.dumps(fields)), "", str(error))


def _json_rows(path: Path) -> Iterator[Row]:
    number = 0
    for line, content in enumerate(read_lines(str(path)), start=1):
        if not content.strip():
            continue
        number += 1
        try:
            text = _parse(content)
            yield Row(number, line, _digest(text), text, None)
        except _BadRowError as error:
            yield Row(number, line, _digest(content.strip()), "", str(error))


def _parse(content: bytes) -> str:
    try:
        paper = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _BadRowError(f"not JSON: {error}") from error
    if not isinstance(paper, dict):
        raise _BadRowError("not a JSON object")
    if "text" in paper:
        return _join(None, paper["text"], "text")
    for title, abstract in _PAIRS:
        if abstract in paper:
            return _join(paper.get(title), paper[abstract], abstract)
    raise _BadRowError("has none of 'text', 'abstract' and 'summaries'")


def _join(title: Any, abstract: Any, name: str) -> str:
    if not isinstance(abstract, str):
        raise _BadRowError(f"{name!r} is not a string")
    if not isinstance(title, str | None):
        raise _BadRowError("the title is not a string")
    if not abstract.strip():
        raise _BadRowError(f"empty {name!r}")
    text = join_title_and_abstract(title or "", abstract)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _BadRowError(f"not valid UTF-8: {error.reason}") from error
    return text


def _digest(content: str | bytes) -> str:
    content = content.encode("utf-8") if isinstance(content, str) else content
    return hashlib.sha256(content).hexdigest()[:16]
