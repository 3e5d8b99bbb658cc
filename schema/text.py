"""The text that the model reads: how title and abstract are joined, encoded and decoded."""

from __future__ import annotations

import re
from typing import Final

from schema.errors import BadInputError

TITLE_SEPARATOR: Final = "\n"

# Control characters but tab and line feed, what breaks lines or turns their direction around, and
# halves of characters, which stand for bytes that aren't UTF-8.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def join_title_and_abstract(title: str, abstract: str) -> str:
    """Returns what a client sends as `text` for a paper that has a title.

    The title is on a line before the abstract; without a title the text is the abstract alone.
    N-grams run across the line break, since the text is split on white space.
    """
    return f"{title}{TITLE_SEPARATOR}{abstract}" if title else abstract


def encode_text(text: str, what: str) -> bytes:
    """Returns a text as it is sent to the model, in UTF-8.

    Raises:
        BadInputError: It has no UTF-8 form; the message starts with `what`.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInputError(f"{what} is not valid UTF-8: {error}.") from error


def decode_text(value: bytes) -> str:
    """Returns the text of a feature or a vocabulary file, which should be UTF-8.

    Other bytes come out as escapes: they must not stop a run that only counts or shows them.
    """
    return value.decode("utf-8", "backslashreplace")


def visible(text: str) -> str:
    """Returns a text with escapes for the characters that would act on a terminal."""
    return _INVISIBLE.sub(lambda found: ascii(found[0])[1:-1], text)
