"""The form in which a batch of sparse rows reaches the model."""

from __future__ import annotations

import tensorflow as tf


def pad_rows(rows: tf.SparseTensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Pads sparse rows to the longest one.

    Args:
        rows: float32 sparse [n, V], sorted by row.

    Returns:
        Column ids, int32 [n, m], and their weights, float32 [n, m]; a short row ends in ids 0
        of weight 0.
    """
    of_row = rows.indices[:, 0]
    count = rows.dense_shape[0]
    columns = tf.cast(rows.indices[:, 1], tf.int32)
    ids = tf.RaggedTensor.from_value_rowids(columns, of_row, count)
    weights = tf.RaggedTensor.from_value_rowids(rows.values, of_row, count)
    return ids.to_tensor(), weights.to_tensor()
