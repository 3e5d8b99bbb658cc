"""What people call a row of their data and its parts.

The sentences of the project speak of papers, their titles and abstracts, and subject areas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_WITH_TITLE: Final = re.compile(r"\b(an? )?titles? (and|or) ", re.IGNORECASE)
# Neither an element nor an attribute of HTML.
_OURS: Final = re.compile(
    r"(?<![</])\b(an? )?(papers?|abstracts?|titles?|subject areas?)\b(?!=)", re.IGNORECASE
)
# Spelled with a vowel, spoken with a consonant.
_SPOKEN_CONSONANT: Final = ("u-", "uni", "use", "usa", "eu")
# The columns of the arXiv file.
_SINGULAR: Final = {"titles": "title", "summaries": "abstract"}


@dataclass(frozen=True)
class Words:
    """The words of a profile.

    Attributes:
        item: What a row is.
        items: Its plural.
        title: Its title; None where the data has none.
        text: The text that is classified.
    """

    item: str = "paper"
    items: str = "papers"
    title: str | None = "title"
    text: str = "abstract"

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> Words:
        """Returns the words of a configuration; what it lacks is as for papers."""
        columns = settings.get("data", {}).get("columns", {})
        title, text = columns.get("title", cls.title), columns.get("text", cls.text)
        item = settings.get("report", {}).get("item", cls.item)
        return cls(item, plural(item), _SINGULAR.get(title, title), _SINGULAR.get(text, text))

    def of(self, sentence: str, quote: Callable[[str], str] = str) -> str:
        """Says of these items what a sentence of the project says of papers.

        Args:
            sentence: The sentence; no text of somebody's data.
            quote: Makes a word fit for where the sentence stands, such as HTML.
        """
        if self == PAPERS:
            return sentence
        if self.title is None:
            sentence = _WITH_TITLE.sub("", sentence)
        title = self.title or self.text
        area = "label" if self.item != Words.item else "subject area"
        words = {"paper": self.item, "abstract": self.text, "title": title, "subject area": area}
        words |= {plural(ours): plural(word) for ours, word in words.items()}

        def replace(match: re.Match[str]) -> str:
            said, ours = match[1], match[2]
            word = words[ours.lower()]
            # Its first letter stays, which may be a capital.
            start = f"{said[0]}{article(word)[1:]} " if said else ""
            return start + quote(word[:1].upper() + word[1:] if ours[0].isupper() else word)

        return _OURS.sub(replace, sentence)


PAPERS: Final = Words()


def plural(word: str) -> str:
    """Returns the plural of an English noun."""
    if word.endswith("sis"):
        return f"{word[:-2]}es"
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(s|x|z|ch|sh)$", word) else f"{word}s"


def article(phrase: str) -> str:
    """Returns ``a`` or ``an``, by the sound of the phrase's first letters."""
    start = phrase.lower()
    vowel = start.startswith(tuple("aeiou")) and not start.startswith(_SPOKEN_CONSONANT)
    return "an" if vowel else "a"
