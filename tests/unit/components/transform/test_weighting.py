"""The weights of a paper don't depend on the papers beside it."""

import numpy as np
import tensorflow as tf

from components.transform.weighting import weigh_counts


def random_counts(papers=4000, most=400, columns=3000):
    dice = np.random.default_rng(0)
    rows = [np.sort(dice.permutation(columns)[: dice.integers(1, most)]) for _ in range(papers)]
    indices = [(row, column) for row, taken in enumerate(rows) for column in taken]
    counts = dice.geometric(0.6, len(indices))
    return tf.SparseTensor(indices, counts, (papers, columns))


def test_a_weight_is_the_same_to_the_bit_in_any_batch():
    counts = random_counts()
    idf = tf.constant(np.random.default_rng(1).uniform(1, 11, 3000).astype(np.float32))

    def values(part):
        return weigh_counts(part, tf.gather(idf, part.indices[:, 1]), "sublinear_l2").values.numpy()

    whole = values(counts)
    for size in (1, 7, 333):
        starts = range(0, 4000, size) if size > 1 else range(300)
        parts = [values(tf.sparse.slice(counts, [start, 0], [size, 3000])) for start in starts]
        found = np.concatenate(parts)
        np.testing.assert_array_equal(found, whole[: len(found)])
