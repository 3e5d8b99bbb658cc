"""Features of the messages: their words as numbers, in their order."""

from __future__ import annotations

from typing import Any, Final

import tensorflow as tf
import tensorflow_transform as tft

from components.transform.ngrams import split_words
from components.transform.preprocessing import encode_truth

# Words that have a number of their own, from 2 on; 0 pads, and 1 is any other word.
WORDS: Final = 1_000
LENGTH: Final = 48


def preprocessing_fn(
    inputs: dict[str, Any], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor | tf.SparseTensor]:
    """Returns `tokens`, int64 [n, 48], beside the truth."""
    words = split_words(inputs["summaries"], "split", "unicode")
    numbers = tft.compute_and_apply_vocabulary(words, top_k=WORDS, vocab_filename="words")
    tokens = (numbers + 2).to_tensor(shape=[None, LENGTH])
    return {"tokens": tokens, **encode_truth(inputs, custom_config)}
