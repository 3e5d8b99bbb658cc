"""Fills templates with phrases: articles, plurals and capitals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_SLOT: Final = re.compile(r"<(a )?([a-z]+?)(s?)>")
_PREPOSITION: Final = re.compile(r"( (?:of|in) )")
# Spelled with a vowel, spoken with a consonant.
_SPOKEN_CONSONANT: Final = ("u-", "uni", "use", "usa", "eu")
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
        article, slot, plural = match.groups()
        phrase = phrase_for(slot)
        if plural:
            phrase = plural_of(phrase)
        return with_article(phrase) if article else phrase

    return _capitalized(_SLOT.sub(replace, template))


def with_article(phrase: str) -> str:
    """Returns the phrase after ``a`` or ``an``, by the sound of its first letters."""
    start = phrase.lower()
    vowel = start[0] in "aeiou" and not start.startswith(_SPOKEN_CONSONANT)
    return f"{'an' if vowel else 'a'} {phrase}"


def plural_of(phrase: str) -> str:
    """Returns the regular plural of a noun phrase; what follows ``of`` or ``in`` stays."""
    head, *rest = _PREPOSITION.split(phrase, maxsplit=1)
    if head.endswith("sis"):
        head = head[:-2] + "es"
    elif head.endswith(("s", "x", "z", "ch", "sh")):
        head += "es"
    elif re.search(r"[^aeiou]y$", head):
        head = head[:-1] + "ies"
    else:
        head += "s"
    return "".join((head, *rest))


def in_title_case(title: str) -> str:
    """Returns the title with a capital at the start of every word but the small ones."""
    first, *others = title.split(" ")
    return " ".join(
        [_capitalized(first)]
        + [word if _SMALL_WORD.fullmatch(word) else _capitalized(word) for word in others]
    )


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
