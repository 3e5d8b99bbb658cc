"""Texts in and suggestions out, for `predict` and `query` alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Final

from pipeline.terminal import Terminal, styled
from schema.errors import UsageError
from schema.streams import Lines, open_stream
from schema.text import visible
from serving.suggestion import Suggestion

_SHOWN_CHARACTERS: Final = 280


def read_texts(given: Sequence[str]) -> list[str]:
    """Returns the texts of the arguments or, without any, the lines of standard input.

    Raises:
        UsageError: There is no text.
        BadInputError: Standard input is not text in UTF-8.
    """
    if given:
        return list(given)
    with open_stream("standard input", lambda _: sys.stdin.buffer) as stream:
        texts = [line.rstrip("\r\n") for line in Lines(stream) if line.strip()]
    if not texts:
        raise UsageError(
            "There is no text. Give one as an argument, or one per line on standard input."
        )
    return texts


def write_suggestions(
    texts: Sequence[str], suggestions: Sequence[Sequence[Suggestion]], as_json: bool
) -> None:
    """Writes each text's labels to standard output, best first, suggested ones marked.

    Args:
        texts: The texts.
        suggestions: The labels of each.
        as_json: Whether to write a line of JSON for each, instead of a table.
    """
    console = Terminal()
    for text, labels in zip(texts, suggestions, strict=True):
        if as_json:
            row = {"text": text, "suggestions": [each.as_dict() for each in labels]}
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            continue
        console.print(styled((one_line(text), "bold")))
        for each in labels:
            bar = "█" * round(each.score * 20)
            mark = ("*", "green") if each.suggested else " "
            figures = f" {each.score:6.3f}  {visible(each.label):<16} "
            console.print(styled("  ", mark, figures, (bar, "cyan"), ("  " + each.name, "dim")))


def one_line(text: str) -> str:
    """Returns the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"
