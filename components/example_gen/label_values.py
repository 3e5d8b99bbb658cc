"""From the value of the label column to labels, or to what is wrong with it."""

from __future__ import annotations

import ast
import functools
import warnings
from collections.abc import Sequence

from schema.tables import Value


# Few values are distinct, and evaluating a literal costs more than reading the row.
@functools.lru_cache(maxsize=65_536)
def parse_labels(value: Value, separator: str | None) -> tuple[str, ...]:
    """Reads the labels from their column's value.

    Args:
        value: The value; a tuple holds the labels themselves.
        separator: What separates the labels in a text; None where it is a Python list literal.

    Returns:
        The labels in their order, each once. A label is stripped, and each run of white space
        in it becomes one space: arXiv wraps long codes over several lines, and a vocabulary
        file has one label a line.

    Raises:
        ValueError: There are no labels, or one is empty or has characters that no label can.
    """
    if not value or (isinstance(value, str) and not value.strip()):
        raise ValueError("no labels")
    parts: Sequence[object] = value
    if isinstance(value, str):
        parts = _read_literal(value) if separator is None else value.split(separator)
    labels = []
    for part in parts:
        if not isinstance(part, str):
            raise ValueError(f"the label {part!r} is not a string")
        label = " ".join(part.split())
        if not label:
            raise ValueError("a label is empty")
        if any(character < " " or character == "\x7f" for character in label):
            raise ValueError(f"the label {short(label)} contains a control character")
        if any("\ud800" <= character <= "\udfff" for character in label):
            raise ValueError(f"the label {short(label)} can't be written as UTF-8")
        labels.append(label)
    return tuple(dict.fromkeys(labels))


def _read_literal(value: str) -> list[object] | tuple[object, ...]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        parsed = None
    if not isinstance(parsed, list | tuple):
        raise ValueError(f"{short(value)} is not a Python list of strings")
    if not parsed:
        raise ValueError("the list of labels is empty")
    return parsed


def short(value: str, length: int = 60) -> str:
    """Returns a value as it is quoted in a message."""
    return repr(value if len(value) <= length else value[:length] + "…")
