"""From text to word n-grams, as `keras.layers.TextVectorization` makes them."""

from __future__ import annotations

from typing import Final

import tensorflow as tf

from components.transform.settings import Punctuation
from schema.text import TITLE_SEPARATOR

# The characters that TextVectorization's "lower_and_strip_punctuation" removes:
# every ASCII punctuation mark, and nothing else.
PUNCTUATION: Final = r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']"""

_REPLACEMENTS: Final[dict[Punctuation, str]] = {"remove": "", "split": " "}


def join_texts(titles: tf.Tensor, abstracts: tf.Tensor) -> tf.Tensor:
    """Joins titles and abstracts, string [n] each, by the rule of `schema.text`."""
    with_title = tf.strings.join([titles, abstracts], separator=TITLE_SEPARATOR)
    return tf.where(tf.equal(titles, ""), abstracts, with_title)


def split_ngrams(
    texts: tf.Tensor, longest: int, punctuation: Punctuation = "remove"
) -> tf.RaggedTensor:
    """Splits texts into word n-grams.

    ASCII letters become lower case, ASCII punctuation is removed, and the rest is split on ASCII
    white space, as in `TextVectorization(ngrams=longest)` with its other settings at their
    defaults.

    Args:
        texts: string [n].
        longest: The longest n-gram, in words.
        punctuation: `remove` makes one word of `few-shot`, `split` two.

    Returns:
        string [n, (n-grams)]: the words of a text, then its word pairs, and so on, a space
        between the words of an n-gram.
    """
    plain = tf.strings.regex_replace(
        tf.strings.lower(texts), PUNCTUATION, _REPLACEMENTS[punctuation]
    )
    words = tf.strings.split(plain)
    return tf.strings.ngrams(words, ngram_width=tuple(range(1, longest + 1)), separator=" ")
