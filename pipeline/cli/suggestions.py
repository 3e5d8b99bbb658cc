"""Texts in and suggestions out, for `predict` and `query` alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.markup import escape

from schema.errors import BadInputError, UsageError
from serving.suggestion import Suggestion

_SHOWN_CHARACTERS: Final = 280


def read_texts(given: Sequence[str]) -> list[str]:
    """Returns the texts of the arguments or, without any, the lines of standard input.

    Raises:
        UsageError: There is no text.
        BadInputError: Standard input is not UTF-8.
    """
    texts = list(given) or _read_lines()
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
    console = Console(highlight=False)
    for text, labels in zip(texts, suggestions, strict=True):
        if as_json:
            row = {"text": text, "suggestions": [asdict(each) for each in labels]}
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            continue
        console.print(f"[bold]{escape(one_line(text))}[/]")
        for each in labels:
            mark = "[green]*[/]" if each.suggested else " "
            bar = "█" * round(each.score * 20)
            console.print(f"  {mark} {each.score:6.3f}  {escape(each.label):<16} [cyan]{bar}[/]")


def one_line(text: str) -> str:
    """Returns the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"


def _read_lines() -> list[str]:
    try:
        return [line.rstrip("\n") for line in sys.stdin if line.strip()]
    except UnicodeDecodeError as error:
        raise BadInputError(f"Standard input is not valid UTF-8: {error}.") from error
