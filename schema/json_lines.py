"""Reads JSON lines: one object a line, whose keys are the columns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from schema.errors import BadInputError
from schema.row import Row, Source, typed_row
from schema.streams import Lines, Stream

# An object may lack what is empty in it, so the names are gathered from several.
_LOOKED_AT: Final = 100


class _Record(NamedTuple):
    line: int
    text: str
    fields: dict[str, object] | None
    problem: str


def open_json_lines(stream: Stream) -> Source:
    """Gathers the names of the columns from the first objects."""
    records = _records(Lines(stream))
    first = list(itertools.islice(records, _LOOKED_AT))
    if not first:
        raise BadInputError(f"{stream.path}: is empty; it needs a JSON object on each line")
    header = list(dict.fromkeys(key for each in first for key in each.fields or ()))
    if not header or first[0].text.startswith("["):
        raise BadInputError(
            f"{stream.path}, line {first[0].line}: {first[0].problem}. JSON needs one object on "
            "each line; `jq -c '.[]'` makes that of an array, `jq -c '.data[]'` of one named data"
        )
    return Source(header, first[0].line, partial(_rows, itertools.chain(first, records)))


def _rows(records: Iterable[_Record], columns: Sequence[str]) -> Iterator[Row]:
    for line, text, fields, problem in records:
        if fields is None:
            yield Row(line, (text,), None, problem)
        else:
            yield typed_row(line, (text,), {name: fields.get(name) for name in columns})


def _records(lines: Lines) -> Iterator[_Record]:
    for line in lines:
        lines.record.clear()
        text = line.strip()
        if not text:
            continue
        fields, problem = None, ""
        try:
            # Numbers as they are typed.
            read = json.loads(
                text, parse_int=str, parse_float=str, parse_constant=lambda name: None
            )
        except json.JSONDecodeError as error:
            problem = f"not JSON: {error.msg} (column {error.colno})"
        except RecursionError:
            problem = "not JSON that can be read: nested too deep"
        else:
            fields = read if isinstance(read, dict) else None
            problem = "" if fields is not None else "not a JSON object"
        yield _Record(lines.number, text, fields, problem)
