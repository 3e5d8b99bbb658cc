"""Fills templates with phrases: articles, plurals and capitals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from schema.words import article, plural

_SLOT: Final = re.compile(r"<(a )?([a-z]+?)(s?)>")
_PREPOSITION: Final = re.compile(r"( (?:of|in) )")
_SMALL_WORD: Final = re.compile(
    "a|an|and|as|at|by|for|from|in|is|of|on|or|that|the|to|under|via|with"
)


def fill(template: str, phrase_for: Callable[[str], str]) -> str:
    """Replaces each slot of a template by a phrase.

    Args:
        template: A sentence or a title with slots such as ``<subject>``, ``<a method>`` and
            ``<methods>``.
        phrase_for: Gives the phrase for a slot's name.

    Returns:
        The text, its first letter a capital.
    """

    def replace(match: re.Match[str]) -> str:
        with_article, slot, many = match.groups()
        phrase = phrase_for(slot)
        if many:
            phrase = plural_of(phrase)
        return f"{article(phrase)} {phrase}" if with_article else phrase

    return _capitalized(_SLOT.sub(replace, template))


def plural_of(phrase: str) -> str:
    """Returns the regular plural of a noun phrase; what follows ``of`` or ``in`` stays."""
    head, *rest = _PREPOSITION.split(phrase, maxsplit=1)
    return "".join((plural(head), *rest))


def in_title_case(title: str) -> str:
    """Returns the title with a capital at the start of every word but the small ones."""
    first, *others = title.split(" ")
    return " ".join(
        [_capitalized(first)]
        + [word if _SMALL_WORD.fullmatch(word) else _capitalized(word) for word in others]
    )


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
