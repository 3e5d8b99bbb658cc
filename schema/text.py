"""The text that the model reads: how title and abstract are joined, encoded and decoded."""

from __future__ import annotations

from typing import Final

from schema.errors import BadInputError

TITLE_SEPARATOR: Final = "\n"


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
