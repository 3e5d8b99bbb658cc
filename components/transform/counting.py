"""N-grams as numbers: what a batch holds, tables of counts, and the spelling at the end.

TensorFlow makes numbers of the n-grams of each batch. The counts of whole batches are added up as
Arrow tables, so that no Python code runs for each n-gram. Only words are kept as text, once for
each batch; longer n-grams are spelled at the end, if they reach the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from components.transform.ngrams import MULTIPLIER, hash_ngrams, hash_words

# What the graph returns of a batch, in the order of `read_batch`'s answer.
Batch = tuple[npt.NDArray[Any], ...]

# A word has no prefix, 0; only words have a spelling.
_KEYS: Final = ("hash", "prefix", "word")
TABLE: Final = pa.schema(
    [
        ("hash", pa.int64()),
        ("prefix", pa.int64()),
        ("word", pa.binary()),
        ("count", pa.int64()),
        ("documents", pa.int64()),
    ]
)


def read_batch(words: tf.RaggedTensor, longest: int) -> tuple[tf.Tensor, ...]:
    """Finds the n-grams of one batch inside the graph.

    Args:
        words: string [n, (words)].
        longest: The longest n-gram, in words.

    Returns:
        The distinct words [u]; of every n-gram, words first, its hash [m], the hash without its
        last word [m], the number of its distinct n-gram, words first [m], and its text [m]; and
        the number of texts [1].
    """
    distinct, index = tf.unique(words.values)
    hashes = words.with_values(tf.gather(hash_words(distinct), index))
    ngrams, inside = hash_ngrams(hashes, longest)
    prefixes = tf.pad(ngrams[:-1], [[1, 0], [0, 0]])
    rows = tf.broadcast_to(words.value_rowids(), tf.shape(ngrams))
    kept = tf.where(tf.reshape(inside, [-1]))[:, 0]
    ngrams, prefixes, rows = (
        tf.gather(tf.reshape(each, [-1]), kept) for each in (ngrams, prefixes, rows)
    )
    _, numbers = tf.unique(ngrams, out_idx=tf.int64)
    return distinct, ngrams, prefixes, numbers, rows, tf.reshape(words.nrows(), [1])


def count(batch: Batch) -> pa.Table:
    """Counts the n-grams of a batch, and the texts that hold them."""
    words, ngrams, prefixes, numbers, rows, (texts,) = batch
    counts = np.bincount(numbers)
    held = np.sort(numbers * texts + rows)
    documents = np.bincount(held[np.diff(held, prepend=-1) > 0] // texts)
    firsts = np.empty(len(counts), np.int64)
    firsts[numbers] = np.arange(len(numbers))
    spelled = [pa.array(words, pa.binary()), pa.nulls(len(counts) - len(words), pa.binary())]
    columns = [ngrams[firsts], prefixes[firsts], pa.concat_arrays(spelled), counts, documents]
    return pa.table(columns, schema=TABLE)


def merge(tables: Sequence[pa.Table]) -> pa.Table:
    """Adds up the rows of the same n-gram."""
    if len(tables) < 2:
        return tables[0] if tables else TABLE.empty_table()
    grouped = pa.concat_tables(tables).group_by(list(_KEYS))
    summed = grouped.aggregate([("count", "sum"), ("documents", "sum")])
    columns = [*(summed[key] for key in _KEYS), summed["count_sum"], summed["documents_sum"]]
    return pa.table(columns, schema=TABLE).combine_chunks()


def most_frequent(table: pa.Table, size: int) -> pa.Table:
    """Returns the `size` most frequent n-grams, and those as frequent as the last of them.

    So the words and the shorter n-grams that an n-gram begins with stay with it.
    """
    if table.num_rows <= size:
        return table
    least = np.partition(table["count"].to_numpy(), -size)[-size]
    return table.filter(pc.greater_equal(table["count"], least))


def spell(table: pa.Table) -> list[bytes]:
    """Spells the n-grams of a table that has all their words and prefixes."""
    hashes, prefixes = table["hash"].to_numpy(), table["prefix"].to_numpy()
    words = table["word"].to_pylist()
    lasts = (hashes - prefixes * MULTIPLIER).tolist()
    rows = {each: row for row, each in enumerate(hashes.tolist())}
    beginnings = prefixes.tolist()

    def spelled(row: int) -> bytes:
        if words[row] is None:
            last: bytes = words[rows[lasts[row]]]
            words[row] = spelled(rows[beginnings[row]]) + b" " + last
        ngram: bytes = words[row]
        return ngram

    return [spelled(row) for row in range(len(words))]
