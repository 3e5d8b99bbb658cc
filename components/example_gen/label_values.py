"""From the value of the label column to labels, or to what is wrong with it."""

from __future__ import annotations

import ast
import functools
import io
import itertools
import re
import tokenize
import warnings
from collections.abc import Collection, Sequence
from typing import Final

from components.example_gen.settings import LabelFormat
from schema.tables import Value

_TAG: Final = re.compile(r"\s*<([^<>]*)>\s*")

# What is in brackets as a whole was written by a program: never labels between separators.
_BRACKETED: Final = re.compile(r"""\[(['"].*|[^][]*\])|\{[^{}]*\}|array\(.*\)""", re.DOTALL)
_REMEDIES: Final = {
    "[": "quote each label, as in ['a', 'b'], or drop the brackets",
    "{": "it looks like a set or an object; write a list, such as ['a', 'b']",
    "a": "it looks like a NumPy array; write what its tolist() returns",
    "<": "if it is no list, set data.label_format to tags",
}

# What pandas, Python and JSON write for nothing.
_NOTHING: Final = frozenset({"", "nan", "NaN", "None", "null"})

_FLAGS: Final = {
    **dict.fromkeys(("1", "1.0", "true"), True),
    **dict.fromkeys(("0", "0.0", "false", ""), False),
}


# Few values are distinct, and evaluating a literal costs more than reading the row.
@functools.lru_cache(maxsize=65_536)
def parse_labels(
    value: Value, form: LabelFormat | None = None, separator: str | None = None
) -> tuple[str, ...]:
    """Reads the labels from their column's value.

    Args:
        value: The value; a tuple holds the labels themselves. `nan` and the like are nothing.
        form: `data.label_format`.
        separator: `data.label_separator`; empty labels at the ends are nothing.

    Returns:
        The labels in their order, each once; empty where there are none. A label is stripped, and
        each run of white space in it becomes one space: arXiv wraps long codes over several lines,
        and a vocabulary file has one label a line.

    Raises:
        ValueError: The value is in another form, or a label is empty or has characters that none
            can have.
    """
    parts: Sequence[object] = value
    if isinstance(value, str):
        if value.strip() in _NOTHING:
            return ()
        if form == "tags":
            parts = _read_tags(value)
        else:
            parts = _read_list(value) if separator is None else _split(value, separator)
    return tuple(dict.fromkeys(map(_clean, parts)))


def parse_flags(values: Sequence[Value], columns: Sequence[str]) -> tuple[str, ...]:
    """Reads the labels from a column for each, and returns the columns that say 1 or true.

    Raises:
        ValueError: One says neither yes nor no; the message names the column.
    """
    labels = []
    for value, column in zip(values, columns, strict=True):
        has = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
        if has is None:
            shown = value if isinstance(value, str) else repr(list(value))
            raise ValueError(f"bad {column!r}: {short(shown)} is not 0 or 1")
        if has:
            labels.append(_clean(column))
    return tuple(dict.fromkeys(labels))


def _clean(part: object) -> str:
    if isinstance(part, int) and not isinstance(part, bool):
        part = str(part)
    if not isinstance(part, str):
        raise ValueError(f"the label {part!r} is not a string; quote it or leave it out")
    label = " ".join(part.split())
    if not label:
        raise ValueError("a label is empty")
    if any(character < " " or character == "\x7f" for character in label):
        raise ValueError(f"the label {short(label)} contains a control character; remove it")
    if any("\ud800" <= character <= "\udfff" for character in label):
        raise ValueError(f"the label {short(label)} can't be written as UTF-8")
    return label


def _split(value: str, separator: str) -> list[str]:
    if _BRACKETED.fullmatch(value.strip()):
        _read_list(value)
        raise ValueError(f"{short(value)} is a list: set data.label_separator to null")
    if not _TAG.sub("", value):
        raise ValueError(
            f"{short(value)} is a row of tags: set data.label_format to tags and "
            "data.label_separator to null"
        )
    parts = [part.strip() for part in value.split(separator)]
    if separator.isspace():
        return [part for part in parts if part]
    filled = [place for place, part in enumerate(parts) if part]
    return parts[filled[0] : filled[-1] + 1] if filled else []


def _read_tags(value: str) -> list[str]:
    tags = _TAG.findall(value)
    if _TAG.sub("", value):
        raise ValueError(f"{short(value)} is not a row of tags such as <a><b>")
    return tags


def _read_list(value: str) -> Sequence[object]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        parsed = None
    if not isinstance(parsed, list | tuple):
        text, remedy = value.strip(), "if it is no list, set data.label_separator"
        if text[0] == "<" or _BRACKETED.fullmatch(text):
            remedy = _REMEDIES[text[0]]
        raise ValueError(f"{short(value)} is not a Python list of strings; {remedy}")
    tokens = tokenize.generate_tokens(io.StringIO(value.strip()).readline)
    kinds = [token.type for token in tokens if token.type not in (tokenize.NL, tokenize.COMMENT)]
    if (tokenize.STRING, tokenize.STRING) in itertools.pairwise(kinds):
        raise ValueError(
            f"{short(value)} has two strings without a comma between them; "
            "write what NumPy's tolist() returns"
        )
    return parsed


def joined_labels(labels: Collection[str]) -> list[str]:
    """Returns the labels that look like several labels in one, sorted.

    They hold a semicolon or a vertical bar; or a comma, where one of the parts is a label too.
    """
    return sorted(
        label
        for label in labels
        if ";" in label
        or "|" in label
        or ("," in label and any(part.strip() in labels for part in label.split(",")))
    )


def short(value: str, length: int = 60) -> str:
    """Returns a value as it is quoted in a message."""
    return repr(value if len(value) <= length else value[:length] + "…")
