"""Reads and writes JSON text by the rules and in the words of TF Serving's parser, RapidJSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from serving.server.errors import ServingError, invalid_argument

# Undecodable bytes travel through Python's text as lone surrogates: RapidJSON does not look at
# the encoding of a string either, in or out.
_ENCODING: Final = ("utf-8", "surrogateescape")
# An error that quotes a whole document of megabytes helps nobody.
_LONGEST_QUOTE: Final = 2000

_WORDS: Final = {
    "Expecting value": "Invalid value.",
    "Expecting property name": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Extra data": "The document root must not be followed by other values.",
    "Unterminated string": "Missing a closing quotation mark in string.",
    "Invalid control character": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\u": "Incorrect hex digit after \\u escape in string.",
}
_STRING_OR_BRACKET: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)
_MAYBE_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
# A whole surrogate pair, half of one (the group), or any other escape.
_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL
)


def parse(body: bytes) -> dict[str, Any]:
    """Returns the JSON object of a request.

    NaN, Infinity and -Infinity are numbers, and a whole number past 64 bits is a float, as
    `ParseJson` in util/json_tensor.cc has it.

    Raises:
        ServingError: The body is not JSON, with RapidJSON's reason and byte offset where it has
            one, or not an object.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    text = decode(body).removeprefix("\ufeff")
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _syntax_error(text, error) from None
    except _NumberTooBigError as error:
        reason = "Number too big to be stored in double."
        raise _parse_error(text, reason, text.find(str(error))) from None
    except RecursionError:
        raise invalid_argument("JSON Parse error: The document is nested too deeply") from None
    if _MAYBE_SURROGATE.search(text):
        _check_surrogates(text)
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {show(document)} Is not object")
    return document


def decode(data: bytes) -> str:
    """Returns bytes as text; what is not UTF-8 comes back as it was from `encode`."""
    return data.decode(*_ENCODING)


def encode(text: str) -> bytes:
    """Returns the bytes of a text from a document or from `decode`."""
    return text.encode(*_ENCODING)


def quote(text: str) -> str:
    """Returns a text as a JSON string, all but ASCII control characters as they are."""
    return encode_basestring(text)


def show(value: Any) -> str:
    """Returns a value of a document for an error message, as `JsonValueToString` does."""
    if isinstance(value, float):
        return decimals(np.array([value]))[0]
    text = json.dumps(value, indent=4, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


def decimals(values: NDArray[Any]) -> list[str]:
    """Returns floats as JSON numbers, as `WriteDecimal` in util/json_tensor.cc does.

    Six digits where they are enough for the same number, else as many as the type needs (9 for
    float32, 17 for float64); always with a `.0` or an exponent.

    Args:
        values: Floats of any shape.

    Returns:
        A text for each, in row-major order; NaN, Infinity and -Infinity as these words.
    """
    values = values.ravel()
    digits = 17 if values.dtype == np.float64 else 9
    numbers = values.tolist()
    texts = [f"{number:.6g}" for number in numbers]
    same = np.array(texts, dtype="S").astype(values.dtype) == values if texts else ()
    return [
        _with_point(text if is_same else f"{number:.{digits}g}")
        for text, is_same, number in zip(texts, same, numbers, strict=True)
    ]


def array(items: Iterable[str], depth: int | None) -> str:
    """Returns a JSON array as RapidJSON's PrettyWriter writes it.

    Args:
        items: The elements' texts.
        depth: How deep the array lies, for an element a line; None: all on one line.
    """
    if depth is None:
        return f"[{', '.join(items)}]"
    return _block("[", items, "]", depth)


def obj(members: Iterable[tuple[str, str]], depth: int) -> str:
    """Returns a JSON object of names and texts of values, with a member a line."""
    return _block("{", (f"{quote(name)}: {value}" for name, value in members), "}", depth)


def nested(items: Sequence[str], shape: Sequence[int], depth: int | None) -> str:
    """Returns the elements of a tensor as nested arrays; a scalar as itself."""
    if not shape:
        return items[0]
    texts = list(items)
    for axis in range(len(shape) - 1, -1, -1):
        size, level = shape[axis], None if depth is None else depth + axis
        texts = [
            array(texts[row * size : (row + 1) * size], level)
            for row in range(math.prod(shape[:axis]))
        ]
    return texts[0]


def _block(start: str, items: Iterable[str], end: str, depth: int) -> str:
    indent = "    " * (depth + 1)
    text = f",\n{indent}".join(items)
    return f"{start}\n{indent}{text}\n{indent[4:]}{end}" if text else start + end


def _with_point(number: str) -> str:
    if number in _SPECIAL:
        return _SPECIAL[number]
    return number if "." in number or "e" in number else f"{number}.0"


_SPECIAL: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class _NumberTooBigError(Exception):
    """A number past what a double holds; its text is the argument."""


def _double(token: str) -> float:
    number = float(token)
    if math.isinf(number):
        raise _NumberTooBigError(token)
    return number


def _integer(token: str) -> int | float:
    if len(token) <= 20 and -(2**63) <= (number := int(token)) < 2**64:
        return number
    return _double(token)


_DECODER: Final = json.JSONDecoder(parse_float=_double, parse_int=_integer)


def _syntax_error(text: str, error: json.JSONDecodeError) -> ServingError:
    position = error.pos
    if not text.strip(" \t\r\n"):
        return _parse_error(text, "The document is empty.", len(text))
    if error.msg == "Expecting ',' delimiter":
        is_object = _inside_object(text[:position])
        place = "} after an object member" if is_object else "] after an array element"
        return _parse_error(text, f"Missing a comma or {place}.", position)
    reason = next(words for start, words in _WORDS.items() if error.msg.startswith(start))
    if error.msg.startswith("Unterminated"):
        position = len(text)
    return _parse_error(text, reason, position)


def _parse_error(text: str, reason: str, position: int) -> ServingError:
    offset = len(encode(text[:position]))
    return invalid_argument(f"JSON Parse error: {reason} at offset: {offset}")


def _inside_object(text: str) -> bool:
    """Says whether the innermost bracket that is open at the end of a text is a brace."""
    brackets: list[str] = []
    for match in _STRING_OR_BRACKET.finditer(text):
        token = match.group()
        if token in "[{":
            brackets.append(token)
        elif token in "]}":
            brackets.pop()
    return brackets[-1] == "{"


def _check_surrogates(text: str) -> None:
    """Refuses an escape of half a surrogate pair, which Python's parser lets through."""
    for match in _ESCAPE.finditer(text):
        if match.group(1):
            reason = "The surrogate pair in string is invalid."
            raise _parse_error(text, reason, match.start())
