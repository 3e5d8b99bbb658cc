"""Reads the papers of a CSV or a JSON lines file, row by row, good ones and bad ones."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from schema import names
from schema.errors import BadInputError, UsageError
from schema.text import join_title_and_abstract

_Stream = BinaryIO | gzip.GzipFile
_MAX_FIELD_CHARACTERS: Final = 64 * 2**20
# What a JSON object may call the title and the abstract: as in the pipeline's data, and as one
# would.
_PAIRS: Final = ((names.TITLES, names.SUMMARIES), ("title", "abstract"))


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        number: The rows before it, and 1.
        line: Line on which it starts; the first line of the file is 1.
        digest: Hash of what stands in it, by which a changed row is recognised.
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
    """Reads a file of papers; every row comes out, and blank lines are none.

    A CSV file is read as the pipeline reads its data: UTF-8, a header, RFC 4180. It needs the
    column `summaries`, and `titles` is used where it is there. A JSON lines file has an object
    a line with `text`, or `title` and `abstract`, or `titles` and `summaries`; the title may be
    missing. Either may be gzipped (`.gz`).

    Raises:
        UsageError: The name says neither CSV nor JSON lines.
        BadInputError: The file can't be read, or is broken so that its rows can't be told apart;
            the message names the line.
    """
    kind = Path(path.name.removesuffix(".gz")).suffix
    if kind not in (".csv", ".jsonl"):
        raise UsageError(
            f"{path}: the name ends neither in .csv nor in .jsonl (nor in one of these and .gz)."
        )
    with _open(path) as stream:
        yield from _csv_rows(path, stream) if kind == ".csv" else _json_rows(stream)


@contextmanager
def _open(path: Path) -> Iterator[_Stream]:
    try:
        with path.open("rb") as raw:
            if path.suffix != ".gz":
                yield raw
            else:
                with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
                    yield stream
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: there is no such file.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInputError(
            f"{path}: the gzip file is damaged ({error}); fetch it again."
        ) from error
    except OSError as error:
        raise BadInputError(f"{path}: can't be read ({error.strerror or error}).") from error


class _Lines:
    """Hands out the lines of a CSV file, and remembers those of the record being read."""

    def __init__(self, path: Path, stream: _Stream) -> None:
        self.number = 0
        self.record: list[str] = []
        self._path = path
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")

    def __iter__(self) -> Iterator[str]:
        try:
            for line in self._text:
                self.number += 1
                if "\0" in line:
                    raise BadInputError(
                        f"{self._path}, line {self.number}: holds a NUL character: this is not a "
                        "text file."
                    )
                self.record.append(line)
                yield line
        except UnicodeDecodeError as error:
            raise BadInputError(
                f"{self._path}, after line {self.number}: is not UTF-8 ({error.reason}). Save it "
                "as UTF-8."
            ) from error


def _csv_rows(path: Path, stream: _Stream) -> Iterator[Row]:
    # The limit belongs to the whole process and is only ever raised.
    if csv.field_size_limit() < _MAX_FIELD_CHARACTERS:
        csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    lines = _Lines(path, stream)
    records = _records(path, lines)
    line, header = next(records, (1, []))
    if not header:
        raise BadInputError(f"{path}: is empty; it needs a header line with column names.")
    if header.count(names.SUMMARIES) != 1 or header.count(names.TITLES) > 1:
        raise BadInputError(
            f"{path}, line {line}: the header must have the column {names.SUMMARIES!r}, and may "
            f"have {names.TITLES!r}, each once; the file has {', '.join(map(repr, header))}."
        )
    title = header.index(names.TITLES) if names.TITLES in header else None
    abstract = header.index(names.SUMMARIES)
    for number, (line, fields) in enumerate(records, start=1):
        if len(fields) != len(header):
            problem = f"{len(fields)} fields where the header has {len(header)}"
            yield Row(number, line, _digest("".join(lines.record)), "", problem)
            continue
        try:
            text = _join(
                None if title is None else fields[title], fields[abstract], names.SUMMARIES
            )
            yield Row(number, line, _digest(text), text, None)
        except _BadRowError as error:
            yield Row(number, line, _digest("".join(lines.record)), "", str(error))


def _records(path: Path, lines: _Lines) -> Iterator[tuple[int, list[str]]]:
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
            raise BadInputError(
                f"{path}, line {first}: the record that starts here is broken ({error}). A quote "
                "that opens a field must be closed, and one inside it doubled."
            ) from error
        # A quoted empty field is a field; a line of white space is none.
        if len(fields) > 1 or lines.record[0].strip():
            yield first, fields


def _json_rows(stream: _Stream) -> Iterator[Row]:
    number = 0
    for line, content in enumerate(stream, start=1):
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
    raise _BadRowError("neither 'text' nor 'abstract' nor 'summaries'")


def _join(title: Any, abstract: Any, name: str) -> str:
    if not isinstance(abstract, str):
        raise _BadRowError(f"{name!r} is no text")
    if not isinstance(title, str | None):
        raise _BadRowError("the title is no text")
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
