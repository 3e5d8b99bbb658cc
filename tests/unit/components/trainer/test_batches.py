"""Padding of sparse rows against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.batches import pad_rows


def sparse(rows: list[dict[int, float]], width: int) -> tf.SparseTensor:
    entries = [(i, column) for i, row in enumerate(rows) for column in sorted(row)]
    return tf.SparseTensor(
        indices=np.array(entries, np.int64).reshape(-1, 2),
        values=np.array([rows[i][column] for i, column in entries], np.float32),
        dense_shape=[len(rows), width],
    )


def random_rows(count: int, seed: int) -> list[dict[int, float]]:
    dice = np.random.default_rng(seed)
    return [
        {int(c): float(w) for c, w in zip(dice.choice(50, n, False), dice.random(n), strict=True)}
        for n in dice.integers(0, 9, count)
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [{3: 1.5, 0: 0.5}],
        [{}, {7: 1.0}, {}, {1: 2.0, 9: 3.0}, {}],
        [{}, {}],
        [],
        random_rows(40, seed=1),
    ],
    ids=["one", "some empty", "all empty", "none", "random"],
)
def test_each_row_keeps_its_entries_and_ends_in_zeros(rows):
    ids, weights = pad_rows(sparse(rows, width=50))
    longest = max(map(len, rows), default=0)
    assert (ids.dtype, weights.dtype) == (tf.int32, tf.float32)
    assert ids.shape == weights.shape == (len(rows), longest)
    for row, found_ids, found_weights in zip(rows, ids.numpy(), weights.numpy(), strict=True):
        filling = [0] * (longest - len(row))
        assert found_ids.tolist() == sorted(row) + filling
        np.testing.assert_allclose(found_weights, [row[c] for c in sorted(row)] + filling)
