"""Asks a server about every paper of a file; resumes an interrupted run."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from schema.errors import BadInputError, TaggerError, UsageError
from serving.client.papers_file import USUAL_LAYOUT, Layout, PaperRow, read_rows
from serving.client.tagger_client import TaggerClient
from serving.client.transport import read_object


@dataclass(frozen=True)
class FileQueryResult:
    """Counts of a file's rows.

    Attributes:
        rows: Rows of the file.
        kept: Rows that were in the output before.
        bad: Rows without a text.
    """

    rows: int
    kept: int
    bad: int


def suggest_file(
    client: TaggerClient,
    source: Path,
    output: Path,
    batch_size: int = 64,
    top: int | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
    layout: Layout = USUAL_LAYOUT,
) -> FileQueryResult:
    """Writes the labels of every paper of a file to a JSON lines file.

    Each line of the output stands for one row of the input, in the same order: `row` and `line`
    say which, `digest` is a hash of its content, `asked` the model with its label or version, and
    then come `suggestions` or, for a row without a text, `error`. `columns` holds what is carried
    along of a row that could be read. The output is only ever appended to, batch by batch. An
    existing output is resumed: a last line that was cut in half is removed, and rows that are in
    it are not asked about again. Rows may have been added at the end of the input.

    Args:
        client: The client to ask.
        source: The papers, see `papers_file.read_rows`.
        output: The JSON lines file.
        batch_size: Texts in a request.
        top: Labels to keep of each text; all if None.
        progress: Called with the number of finished rows and of all rows.
        layout: How the file holds them, and which columns are carried along.

    Raises:
        UsageError: The output is the input, was not written by this function or with another
            label or version, or is being written by another process.
        BadInputError: The input is broken, or has changed since the output was begun.
        TaggerError: The client gave up; the answers so far are in the output.
    """
    if output.exists() and source.exists() and output.samefile(source):
        raise UsageError(f"{output} is the input. Give another --output.")
    if output.exists() and not output.is_file():
        raise UsageError(f"{output} is not a file. Give another --output.")
    # Reports an error at the end of the input now, not after an hour.
    total = bad = 0
    for row in read_rows(source, layout):
        total += 1
        bad += row.problem is not None
    try:
        with output.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            rows = read_rows(source, layout)
            done = kept = _skip(file, rows, source, output, str(client.target))
            progress(done, total)
            for batch in _batches(rows, batch_size):
                file.write(b"".join(_ask(client, batch, top)))
                file.flush()
                done += len(batch)
                progress(done, total)
    except BlockingIOError as error:
        raise UsageError(
            f"{output} is being written by another process. Wait for it, or give another --output."
        ) from error
    except OSError as error:
        raise TaggerError(
            f"{output}: can't be written ({error.strerror or error}). Make room or give another "
            "--output; the same command resumes."
        ) from error
    return FileQueryResult(total, kept, bad)


def _ask(client: TaggerClient, batch: Sequence[PaperRow], top: int | None) -> Iterator[bytes]:
    good = [row.text for row in batch if row.problem is None]
    answers = iter(client.suggest(good) if good else [])
    for row in batch:
        entry: dict[str, Any] = {"row": row.number, "line": row.line, "digest": row.digest}
        entry["asked"] = str(client.target)
        if row.problem is None:
            entry |= next(answers).as_dict(top)
        else:
            entry["error"] = row.problem
        if row.kept:
            entry["columns"] = row.kept
        yield json.dumps(entry, ensure_ascii=False).encode("utf-8") + b"\n"


def _batches(rows: Iterator[PaperRow], size: int) -> Iterator[list[PaperRow]]:
    while batch := list(islice(rows, size)):
        yield batch


def _skip(file: BinaryIO, rows: Iterator[PaperRow], source: Path, output: Path, asked: str) -> int:
    """Skips the rows that an output has, and cuts off a half-written last line.

    Returns:
        How many rows the output has.
    """
    done = end = 0
    file.seek(0)
    for content in file:
        if not content.endswith(b"\n"):
            break
        entry = read_object(content)
        if entry.get("row") != done + 1 or not isinstance(entry.get("digest"), str):
            raise UsageError(
                f"{output}, line {done + 1}: not written by this command. Give a new --output, or "
                "one that this command began."
            )
        if entry.get("asked") != asked:
            raise UsageError(
                f"{output} was begun with {entry.get('asked', 'an earlier release')}, not {asked}. "
                "Give the same --model, --label or --version, or another --output."
            )
        row = next(rows, None)
        if row is not None and row.kept.keys() != entry.get("columns", {}).keys():
            raise UsageError(
                f"{output} was begun with other columns to --keep. Give the same, or another "
                "--output."
            )
        if row is None or row.digest != entry["digest"]:
            where = f"has only {done} rows" if row is None else f"line {row.line} differs"
            raise BadInputError(
                f"{source} has changed since {output} was begun: {where}. Give the old file, or "
                "another --output."
            )
        done += 1
        end += len(content)
    if os.fstat(file.fileno()).st_size > end:
        os.ftruncate(file.fileno(), end)
    file.seek(end)
    return done
