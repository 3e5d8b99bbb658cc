"""Texts of any script, made such that the ASCII rule of `ngrams.py` finds their words.

A constant table maps each code point to plain ones: lower case, decomposed, with one space for all
white space and one mark for all punctuation. Letters are decomposed, not composed: a character is
then enough to know what becomes of it, and no letter loses its marks. TensorFlow's own lower case
would depend on the server's locale.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schema.scripts import UNSPACED

# Printable ASCII and white space: such a text is left as it is.
_ASCII: Final = r"[\t-\r -~]*"
# Marks have nothing to stand on where punctuation was, and the Turkish İ in lower case is i.
_STRAY: Final = r"([!-/:-@\[-`{-~])\p{M}+|(i)\x{307}"
_CUT: Final = rf"(?:[{UNSPACED}]|\p{{So}})\p{{M}}*"

# What a decoder put in the place of bytes that aren't UTF-8, and the space without width.
_SPACES: Final = "\ufffd\u200b"
# Variation selectors and the grapheme joiner, which are marks for Unicode.
_IGNORED: Final = frozenset(
    (0x34F, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
)
# The forms of a character that change its look only; x² and ½ stay what they are.
_FORMS: Final = tuple(
    f"<{kind}>"
    for kind in ("compat", "final", "font", "initial", "isolated", "medial", "narrow", "wide")
)
# Not assigned, or for private use.
_UNKNOWN: Final = {"Cn", "Co", "Cs"}
# Beyond these are only characters that stay the same.
_CODES: Final = (range(0x20000), range(0x2F800, 0x2FA20), range(0xE0000, 0xE0200))
_CODE_SPACE: Final = 0x110000
_PAGE: Final = 128
_CLASSES: Final = 256


class _Table(NamedTuple):
    """What becomes of each code point, in pages, since most are all alike.

    Attributes:
        pages: uint16 [pages], the place of each page of the code space among the distinct ones.
        entries: uint16 [distinct pages x page], the entry of each code point.
        starts: int32 [entries + 1], where each entry begins in the parts.
        parts: int32 [parts], what to add to the code point, times 256, plus the class of a mark.
    """

    pages: npt.NDArray[np.uint16]
    entries: npt.NDArray[np.uint16]
    starts: npt.NDArray[np.int32]
    parts: npt.NDArray[np.int32]


def standardize(texts: tf.Tensor) -> tf.Tensor:
    """Makes texts, string [n], such that `split_words` finds the words of all scripts.

    Bytes that aren't UTF-8 are white space.
    """
    is_ascii = tf.strings.regex_full_match(texts, _ASCII)

    def others() -> tf.Tensor:
        rows = tf.where(~is_ascii)
        return tf.tensor_scatter_nd_update(texts, rows, _standardize(tf.gather_nd(texts, rows)))

    return tf.cond(tf.reduce_all(is_ascii), lambda: texts, others)


# Inlined, each of its operations would cost time even where the branch isn't taken.
@tf.function(
    input_signature=[tf.TensorSpec([None], tf.string)], experimental_attributes={"_noinline": True}
)
def _standardize(texts: tf.Tensor) -> tf.Tensor:
    # After a space no mark at the beginning belongs to the text before.
    codes = tf.strings.unicode_decode(tf.strings.join([" ", texts]), "UTF-8")
    table = _table()
    pages = tf.cast(tf.gather(table.pages, codes.values // _PAGE), tf.int32)
    entries = tf.gather(table.entries, pages * _PAGE + codes.values % _PAGE)
    every = tf.RaggedTensor.from_row_splits(table.parts, table.starts, validate=False)
    found = tf.gather(every, tf.cast(entries, tf.int32))
    plain = tf.gather(codes.values, found.value_rowids()) + found.values // _CLASSES
    plain = _order_marks(plain, found.values % _CLASSES)
    splits = tf.gather(found.row_splits, codes.row_splits)
    rows = tf.RaggedTensor.from_row_splits(plain, splits, validate=False)
    standard = tf.strings.unicode_encode(rows, "UTF-8")
    standard = tf.strings.regex_replace(standard, _STRAY, r"\1\2")
    return tf.strings.regex_replace(standard, _CUT, r" \0 ")


def _order_marks(codes: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Sorts the marks of a letter by their combining class, as Unicode's normal forms have them."""

    def ordered() -> tf.Tensor:
        letters = tf.cumsum(tf.cast(classes == 0, tf.int64))
        keys = letters * _CLASSES + tf.cast(classes, tf.int64)
        return tf.gather(codes, tf.argsort(keys, stable=True))

    wrong = (classes[1:] > 0) & (classes[1:] < classes[:-1])
    return tf.cond(tf.reduce_any(wrong), ordered, lambda: codes)


@functools.cache
def _table() -> _Table:
    numbers: dict[tuple[int, ...], int] = {(0,): 0}
    every = np.zeros(_CODE_SPACE, np.uint16)
    for code in itertools.chain(*_CODES):
        character = chr(code)
        # Most stay the same, and this is quickly seen.
        category = unicodedata.category(character)
        if category in _UNKNOWN or (
            category == "Lo" and unicodedata.is_normalized("NFKD", character)
        ):
            continue
        parts = tuple(
            (ord(each) - code) * _CLASSES + unicodedata.combining(each)
            for each in _plain(character)
        )
        every[code] = numbers.setdefault(parts, len(numbers))
    distinct: dict[bytes, int] = {}
    pages = (page.tobytes() for page in every.reshape(-1, _PAGE))
    return _Table(
        np.array([distinct.setdefault(page, len(distinct)) for page in pages], np.uint16),
        np.frombuffer(b"".join(distinct), np.uint16),
        np.cumsum([0, *map(len, numbers)], dtype=np.int32),
        np.array(list(itertools.chain(*numbers)), np.int32),
    )


def _plain(character: str) -> str:
    return "".join(map(_plain_part, unicodedata.normalize("NFD", character)))


def _plain_part(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "Z" or category == "Cc" or character in _SPACES:
        return " "
    if category == "Cf" or ord(character) in _IGNORED:
        return ""
    # What ASCII punctuation is in Unicode: punctuation, and signs of mathematics and currencies.
    if category[0] == "P" or category in {"Sm", "Sc", "Sk"}:
        return character if character.isascii() else "!"
    if unicodedata.decomposition(character).startswith(_FORMS):
        return "".join(map(_plain_part, unicodedata.normalize("NFKD", character)))
    # Capitals don't tell the sigma at the end of a word from others.
    return "\u03c3" if character == "\u03c2" else character.lower()
