"""Texts in and suggestions out, the same for a model in this process and for a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from schema.errors import BadInputError, UsageError
from serving.suggestion import Suggestion


def read_texts(given: Sequence[str]) -> list[str]:
    """Returns the texts of the arguments or, without any, the lines of standard input.

    Raises:
        UsageError: There is no text.
        BadInputError: Standard input is not UTF-8.
    """
    texts = list(given) or _read_lines()
    if not texts:
        raise UsageError("There is no text. Give one as an argument, or a line each on stdin.")
    return texts


def write_suggestions(text: str, suggestions: Sequence[Suggestion]) -> None:
    """Writes a text's labels to standard output as one line of JSON."""
    row = {"text": text, "suggestions": [asdict(each) for each in suggestions]}
    sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


def _read_lines() -> list[str]:
    try:
        return [line.rstrip("\n") for line in sys.stdin if line.strip()]
    except UnicodeDecodeError as error:
        raise BadInputError(f"Standard input is not valid UTF-8: {error}.") from error
