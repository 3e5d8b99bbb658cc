"""From text to word n-grams, as `keras.layers.TextVectorization` makes them."""

from __future__ import annotations

from typing import Final

import tensorflow as tf

from components.transform.settings import Punctuation, Standardize
from components.transform.standardize import standardize as standardize_unicode
from schema.text import TITLE_SEPARATOR

# The characters that TextVectorization's "lower_and_strip_punctuation" removes:
# every ASCII punctuation mark, and nothing else.
PUNCTUATION: Final = r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']"""

# An n-gram's hash is that of the n-gram without its last word, times this odd number, plus the last
# word's. It wraps around at 64 bits.
MULTIPLIER: Final = 0x1E3779B97F4A7C15

_BUCKETS: Final = 2**63 - 1
_REPLACEMENTS: Final[dict[Punctuation, str]] = {"remove": "", "split": " "}


def join_texts(titles: tf.Tensor, abstracts: tf.Tensor) -> tf.Tensor:
    """Joins titles and abstracts, string [n] each, by the rule of `schema.text`."""
    with_title = tf.strings.join([titles, abstracts], separator=TITLE_SEPARATOR)
    return tf.where(tf.equal(titles, ""), abstracts, with_title)


def split_words(
    texts: tf.Tensor, punctuation: Punctuation = "remove", standardize: Standardize = "ascii"
) -> tf.RaggedTensor:
    """Splits texts, string [n], into words, string [n, (words)].

    ASCII letters become lower case, ASCII punctuation is removed, and the rest is split on ASCII
    white space, as in `TextVectorization` with its settings at their defaults. `remove` makes one
    word of `few-shot`, `split` two. `unicode` does so for the letters, punctuation and white space
    of all scripts.
    """
    if standardize == "unicode":
        texts = standardize_unicode(texts)
    plain = tf.strings.regex_replace(
        tf.strings.lower(texts), PUNCTUATION, _REPLACEMENTS[punctuation]
    )
    return tf.strings.split(plain)


def hash_words(words: tf.Tensor) -> tf.Tensor:
    """Hashes words, string [w], by FarmHash64: int64 [w], the same on every machine."""
    return tf.strings.to_hash_bucket_fast(words, _BUCKETS)


def hash_ngrams(hashes: tf.RaggedTensor, longest: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Hashes the n-grams of texts.

    Numbers are much faster than strings to make, to count, and to look up. The chance that any two
    of two million n-grams share a hash is 1 in four million.

    Args:
        hashes: int64 [n, (words)], the words' hashes.
        longest: The longest n-gram, in words.

    Returns:
        The hash of the n-gram of 1, 2, ... words that begins at each word, int64 [longest, w],
        and whether its words are all of one text, bool [longest, w].
    """
    ahead, rows = hashes.values, hashes.value_rowids()
    found, inside = [ahead], [tf.ones_like(rows, tf.bool)]
    for distance in range(1, longest):
        ahead = tf.concat([ahead[1:], tf.zeros_like(ahead[:1])], axis=0)
        found.append(found[-1] * MULTIPLIER + ahead)
        ends = tf.concat([rows[distance:], tf.fill([distance], tf.int64.min)], axis=0)
        inside.append(rows == ends[: tf.size(rows)])
    return tf.stack(found), tf.stack(inside)
