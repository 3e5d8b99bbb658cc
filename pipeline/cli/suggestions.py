"""Texts in and suggestions out, for `predict` and `query` alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len, set_cell_size

from pipeline.terminal import Terminal, styled
from schema.errors import UsageError
from schema.streams import Lines, open_stream
from schema.text import visible
from serving.suggestion import Suggestions, Why

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
    texts: Sequence[str],
    suggestions: Sequence[Suggestions],
    as_json: bool,
    top: int | None = None,
    explain: bool = False,
) -> None:
    """Writes each text's `top` labels, best first, as a table or as a line of JSON."""
    console = Terminal()
    if explain and all(each.why is None for labels in suggestions for each in labels):
        Terminal(stderr=True).say("This model has no explanations.")
    for text, labels in zip(texts, suggestions, strict=True):
        if as_json:
            row = {"text": text, **labels.as_dict(top)}
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            continue
        console.print(styled((one_line(text), "bold")))
        if labels.known_share == 0:
            console.print("  No word of this text is known to the model.")
        for each in labels[:top]:
            bar = "█" * round(each.score * 20)
            mark = ("*", "green") if each.suggested else " "
            figures = f" {each.score:6.3f}  {visible(each.label):<16} "
            line = styled("  ", mark, figures, (bar, "cyan"), ("  " + each.name, "dim"))
            line.rstrip()
            console.print(line)
            if each.why and each.why.ngrams:
                _write_why(console, each.why)


def _write_why(console: Terminal, why: Why) -> None:
    """Writes the n-grams for a label beside those against it, and what is left."""
    lines = [(added > 0, f"{added:+6.2f}  {ngram}") for ngram, added in why.ngrams.items()]
    left = ["   for", *(line for is_for, line in lines if is_for)]
    right = ["   against", *(line for is_for, line in lines if not is_for)]
    for pro, con in zip_longest(left, right, fillvalue=""):
        console.say(f"{'':12}{set_cell_size(pro, max(map(cell_len, left)))}  {con}".rstrip())
    console.say(f"{'':12}{why.rest:+6.2f}  all other words, {why.bias:+.2f} bias")


def one_line(text: str) -> str:
    """Returns the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"
