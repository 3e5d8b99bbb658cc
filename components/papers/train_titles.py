"""Which papers a model was trained on: the hashes of their titles, kept beside the model."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.metrics.inputs import Array
from components.papers.paper_keys import hash_titles
from schema import names


def title_keys(titles: Sequence[bytes] | Array) -> NDArray[np.int64]:
    """Hashes titles as Transform does, int64 [n].

    Args:
        titles: As the raw examples hold them, bytes [n].
    """
    given = tf.constant(list(titles), tf.string, shape=[len(titles)])
    keys: NDArray[np.int64] = hash_titles(given).numpy()
    return keys


def write_train_titles(model_uri: str, keys: NDArray[np.int64]) -> None:
    """Writes the title hashes of a model's training papers.

    They lie in the Model artifact beside the SavedModel, not in it, so they are never pushed.

    Args:
        model_uri: The Model artifact's folder; made where missing.
        keys: int64 [n], in any order; written sorted, each once.
    """
    content = io.BytesIO()
    np.save(content, np.unique(keys).astype(np.int64), allow_pickle=False)
    tf.io.gfile.makedirs(model_uri)
    with tf.io.gfile.GFile(_path(model_uri), "wb") as file:
        file.write(content.getvalue())


def read_train_titles(model_uri: str) -> NDArray[np.int64] | None:
    """Reads the title hashes of a model's training papers, sorted int64 [n].

    None where there are none: an older model did not keep them.
    """
    path = _path(model_uri)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as file:
        keys: NDArray[np.int64] = np.load(io.BytesIO(file.read()), allow_pickle=False)
    return keys


def _path(model_uri: str) -> str:
    return str(tf.io.gfile.join(model_uri, names.TRAIN_TITLES_FILE))
