"""Which papers a model was trained on: a number for each paper, kept beside the model.

A paper is identified by its title or, where it has none, by its abstract; or by both together
(`RawPaper.key`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.metrics.inputs import Array
from schema import names
from schema.text import TITLE_SEPARATOR

_BUCKETS: Final = 2**63 - 1

# Models of earlier versions have it under this name. They identified every paper by its title.
_OLD_FILE: Final = "train_titles.npy"


def hash_keys(titles: tf.Tensor, abstracts: tf.Tensor, by_title: bool = True) -> tf.Tensor:
    """Hashes what identifies each paper; white space and letter case count.

    The hash, `tf.strings.to_hash_bucket_fast` (FarmHash64), is the same on every machine and in
    every version. The chance that two of ten million papers share a number is 1 in 180,000.

    Args:
        titles: string [n].
        abstracts: string [n].
        by_title: Whether the title alone identifies a paper that has one.

    Returns:
        int64 [n], each from 0 to 2^63 - 2.
    """
    named = titles if by_title else tf.strings.join([titles, abstracts], TITLE_SEPARATOR)
    keys = tf.where(titles == "", abstracts, named)
    return tf.strings.to_hash_bucket_fast(keys, _BUCKETS)


def paper_keys(
    titles: Sequence[bytes] | Array, abstracts: Sequence[bytes] | Array, by_title: bool = True
) -> NDArray[np.int64]:
    """Hashes papers as Transform does, int64 [n]; titles and abstracts are bytes [n]."""
    one, two = (tf.constant(list(each), tf.string, [len(each)]) for each in (titles, abstracts))
    keys: NDArray[np.int64] = hash_keys(one, two, by_title).numpy()
    return keys


def are_train_papers(
    train_keys: NDArray[np.int64] | None,
    titles: Sequence[bytes] | Array,
    abstracts: Sequence[bytes] | Array,
) -> NDArray[np.bool_]:
    """Tells which papers a model was trained on, bool [n]; none where it kept no keys."""
    found = np.zeros(len(titles), dtype=bool)
    if train_keys is not None and train_keys.size:
        # Its keys are of one kind or the other; no key of one kind is one of the other.
        for by_title in (True, False):
            keys = paper_keys(titles, abstracts, by_title)
            found |= train_keys[np.searchsorted(train_keys[:-1], keys)] == keys
    return found


def write_train_keys(model_uri: str, keys: NDArray[np.int64]) -> None:
    """Writes the keys of a model's training papers.

    They lie in the Model artifact beside the SavedModel, not in it, so they are never pushed.

    Args:
        model_uri: The Model artifact's folder; made where missing.
        keys: int64 [n], in any order; written sorted, each once.
    """
    content = io.BytesIO()
    np.save(content, np.unique(keys).astype(np.int64), allow_pickle=False)
    tf.io.gfile.makedirs(model_uri)
    with tf.io.gfile.GFile(f"{model_uri}/{names.TRAIN_KEYS_FILE}", "wb") as file:
        file.write(content.getvalue())


def read_train_keys(model_uri: str) -> NDArray[np.int64] | None:
    """Reads the keys of a model's training papers, sorted int64 [n]; None where it kept none."""
    for name in (names.TRAIN_KEYS_FILE, _OLD_FILE):
        path = f"{model_uri}/{name}"
        if tf.io.gfile.exists(path):
            with tf.io.gfile.GFile(path, "rb") as file:
                keys: NDArray[np.int64] = np.load(io.BytesIO(file.read()), allow_pickle=False)
            return keys
    return None
