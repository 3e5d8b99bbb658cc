"""The TF-IDF formulas: inverse document frequencies, and weights from counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.transform.settings import Weighting


def inverse_document_frequency(
    document_counts: npt.NDArray[np.int64],
    documents: int,
    weighting: Weighting,
    idf_power: float = 1.0,
) -> npt.NDArray[np.float32]:
    """Computes the weight of every column of the TF-IDF matrix.

    Sources: `keras.layers.TextVectorization` (log(1 + N / (1 + df)); unknown n-grams get the
    mean weight of the others) and scikit-learn's `TfidfTransformer(smooth_idf=True)`
    (1 + log((1 + N) / (1 + df)); unknown n-grams don't count).

    Args:
        document_counts: int64 [V - 1], the number of documents that hold each n-gram.
        documents: The number of documents, N.
        weighting: The formula.
        idf_power: Exponent of scikit-learn's.

    Returns:
        float32 [V]; column 0 is the weight of an n-gram outside the vocabulary.
    """
    if weighting == "keras":
        known = np.log(1.0 + documents / (1.0 + document_counts)).astype(np.float32)
        unknown = known.mean(dtype=np.float64) if known.size else 0.0
    else:
        idf = 1.0 + np.log((1.0 + documents) / (1.0 + document_counts))
        known = (idf**idf_power).astype(np.float32)
        unknown = 0.0
    return np.concatenate([np.asarray([unknown], np.float32), known])


def weigh_counts(counts: tf.SparseTensor, idf: tf.Tensor, weighting: Weighting) -> tf.SparseTensor:
    """Turns n-gram counts into TF-IDF weights.

    Args:
        counts: int64 sparse [n, V] with m values, sorted by row, then column; for `sublinear_l2`
            without column 0.
        idf: float32 [m], the inverse document frequency of each value's column.
        weighting: The formula; `sublinear_l2` replaces the count by 1 + log(count) and scales
            each row to length 1.

    Returns:
        float32 sparse [n, V], with a weight for each count.
    """
    if weighting == "keras":
        weights = tf.cast(counts.values, tf.float32) * idf
        return tf.SparseTensor(counts.indices, weights, counts.dense_shape)
    # In float64, rounded once at the end: the last bit of a float32 logarithm or sum depends on the
    # paper's position in its batch, and Beam's batches differ from run to run.
    logarithms = tf.math.log(tf.cast(counts.values, tf.float64))
    raw = (1.0 + logarithms) * tf.cast(idf, tf.float64)
    squares = tf.math.segment_sum(tf.square(raw), counts.indices[:, 0])
    weights = raw * tf.math.rsqrt(tf.gather(squares, counts.indices[:, 0]))
    return tf.SparseTensor(counts.indices, tf.cast(weights, tf.float32), counts.dense_shape)
