"""The rule that joins title and abstract into the one text that the model reads."""

from __future__ import annotations

from typing import Final

TITLE_SEPARATOR: Final = "\n"


def join_title_and_abstract(title: str, abstract: str) -> str:
    """Returns what a client sends as `text` for a paper that has a title.

    The title stands on a line before the abstract; a paper without a title is its abstract
    alone. N-grams run across the line break, since the text is split on white space.
    """
    return f"{title}{TITLE_SEPARATOR}{abstract}" if title else abstract
