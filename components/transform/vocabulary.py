"""One pass over the texts: the n-gram vocabulary and its document frequencies.

TensorFlow counts inside each batch; Beam then merges the counts of whole batches as Arrow
tables, so that no Python code runs for each n-gram.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, Final, NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.io.filesystems import FileSystems
from tensorflow_transform.beam.experimental import PTransformAnalyzer

from components.transform.settings import Weighting
from components.transform.weighting import inverse_document_frequency
from schema.names import NGRAM_VOCABULARY

# N-grams are merged in this many independent parts, so that no worker holds them all.
SHARDS: Final = 64
# A part is compacted once it has grown by so many rows; a worker holds all parts of its papers.
COMPACT_AFTER: Final = 2**24 // SHARDS
# Rows that are held beyond the wanted ones before the rarer ones are dropped.
_ROWS_HELD: Final = 2**20

# The name of column 0; an n-gram has no punctuation, so none can have this name.
UNKNOWN_NGRAM: Final = b"[UNK]"

Batch = tuple[npt.NDArray[Any], ...]

_TABLE: Final = pa.schema(
    [("ngram", pa.binary()), ("count", pa.int64()), ("documents", pa.int64())]
)


def count_batch(ngrams: tf.RaggedTensor) -> tuple[tf.Tensor, ...]:
    """Counts the n-grams of one batch inside the graph.

    Args:
        ngrams: string [n, (n-grams)].

    Returns:
        The distinct n-grams [u], how often each occurs [u], the number of texts that hold it
        [u], its shard [u], and the number of texts [1].
    """
    distinct, index, counts = tf.unique_with_counts(ngrams.values, out_idx=tf.int64)
    size = tf.maximum(tf.size(distinct, out_type=tf.int64), 1)
    pairs, _ = tf.unique(ngrams.value_rowids() * size + index)
    documents = tf.math.unsorted_segment_sum(
        tf.ones_like(pairs), pairs % size, tf.size(distinct, out_type=tf.int64)
    )
    shards = tf.strings.to_hash_bucket_fast(distinct, SHARDS)
    texts = tf.reshape(ngrams.nrows(), [1])
    return distinct, counts, documents, shards, texts


def _merge(tables: Sequence[pa.Table]) -> pa.Table:
    """Adds up the rows of the same n-gram."""
    grouped = pa.concat_tables(tables).group_by("ngram")
    summed = grouped.aggregate([("count", "sum"), ("documents", "sum")])
    return pa.table(
        [summed["ngram"], summed["count_sum"], summed["documents_sum"]], schema=_TABLE
    ).combine_chunks()


def most_frequent(table: pa.Table, size: int) -> pa.Table:
    """Returns the `size` most frequent n-grams, ties by their bytes, both descending.

    This is the order, and the cut, of `TextVectorization.adapt`.
    """
    order = pc.sort_indices(table, sort_keys=[("count", "descending"), ("ngram", "descending")])
    return table.take(order[:size])


class MergeCounts(beam.CombineFn):
    """Merges count tables of the same n-grams and keeps the most frequent rows.

    Args:
        size: The most n-grams to keep.
    """

    def __init__(self, size: int) -> None:
        self._size = size

    def create_accumulator(self) -> list[pa.Table]:
        """Starts with no table."""
        return []

    def add_input(self, accumulator: list[pa.Table], table: pa.Table) -> list[pa.Table]:
        """Adds a table."""
        return self._shrink([*accumulator, table])

    def merge_accumulators(self, accumulators: Iterable[list[pa.Table]]) -> list[pa.Table]:
        """Joins the tables of several workers."""
        return self._shrink([table for tables in accumulators for table in tables])

    def compact(self, accumulator: list[pa.Table]) -> list[pa.Table]:
        """Adds everything up before it is sent."""
        return [_merge(accumulator)] if accumulator else []

    def extract_output(self, accumulator: list[pa.Table]) -> pa.Table:
        """Adds everything up, most frequent n-grams first."""
        merged = _merge(accumulator) if accumulator else _TABLE.empty_table()
        return most_frequent(merged, self._size)

    def _shrink(self, tables: list[pa.Table]) -> list[pa.Table]:
        # The first table is the compacted one; waiting until the others are as large keeps the
        # work linear.
        added = sum(table.num_rows for table in tables[1:])
        if added > max(COMPACT_AFTER, tables[0].num_rows if tables else 0):
            return self.compact(tables)
        return tables


class KeepMostFrequent(MergeCounts):
    """Keeps the most frequent rows of tables without a common n-gram, in bounded memory."""

    def compact(self, accumulator: list[pa.Table]) -> list[pa.Table]:
        """Drops the rarer rows before the tables are sent."""
        return [self.extract_output(accumulator)]

    def extract_output(self, accumulator: list[pa.Table]) -> pa.Table:
        """Returns the rows, most frequent n-grams first."""
        table = pa.concat_tables([_TABLE.empty_table(), *accumulator])
        return most_frequent(table, self._size).combine_chunks()

    def _shrink(self, tables: list[pa.Table]) -> list[pa.Table]:
        held = sum(table.num_rows for table in tables)
        return self.compact(tables) if held > self._size + _ROWS_HELD else tables


@beam.typehints.with_output_types(Iterable[tuple[int, pa.Table]])
def _tables_by_shard(batch: Batch) -> Iterator[tuple[int, pa.Table]]:
    ngrams, counts, documents, shards, _ = batch
    order = np.argsort(shards, kind="stable")
    present, starts = np.unique(shards[order], return_index=True)
    bounds = np.append(starts, len(order))
    for shard, start, stop in zip(present, bounds[:-1], bounds[1:], strict=True):
        rows = order[start:stop]
        # Copied: a slice of a table is pickled with the whole table.
        columns = [
            pa.array(ngrams[rows], pa.binary()),
            pa.array(counts[rows], pa.int64()),
            pa.array(documents[rows], pa.int64()),
        ]
        yield int(shard), pa.table(columns, schema=_TABLE)


@beam.typehints.with_output_types(int)
def _count_texts(batch: Batch) -> int:
    return int(batch[4].sum())


def _write_vocabulary(
    table: pa.Table, texts: int, weighting: Weighting, idf_power: float, directory: str
) -> npt.NDArray[Any]:
    documents = table["documents"].to_numpy()
    idf = inverse_document_frequency(documents, texts, weighting, idf_power)
    ngrams = [UNKNOWN_NGRAM, *table["ngram"].to_pylist()]
    # A worker may run this twice; a folder for each try keeps the files whole.
    path = FileSystems.join(directory, f"{NGRAM_VOCABULARY}-{uuid.uuid4().hex}", NGRAM_VOCABULARY)
    FileSystems.mkdirs(FileSystems.split(path)[0])
    with FileSystems.create(path, "text/plain") as file:
        for ngram, weight in zip(ngrams, idf, strict=True):
            # Nine significant digits restore the exact float32.
            file.write(b"%s\t%.9g\n" % (ngram, weight))
    return np.asarray(path.encode())


class NgramVocabulary(PTransformAnalyzer):
    """Analyzer: a text file with an n-gram and its weight in each line, in column order."""

    def __init__(self, size: int, weighting: Weighting, idf_power: float = 1.0) -> None:
        """Keeps the `size` most frequent n-grams and weighs them by the formula."""
        super().__init__()
        self._size = size
        self._weighting = weighting
        self._idf_power = idf_power

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Returns the path of the vocabulary file, bytes []."""
        texts = batches | "CountTexts" >> beam.Map(_count_texts) | beam.CombineGlobally(sum)
        return (
            batches
            | "Tables" >> beam.FlatMap(_tables_by_shard)
            | "MergeShards" >> beam.CombinePerKey(MergeCounts(self._size))
            | "DropShard" >> beam.Values()
            | "MergeAll" >> beam.CombineGlobally(KeepMostFrequent(self._size))
            | "Write"
            >> beam.Map(
                _write_vocabulary,
                texts=beam.pvalue.AsSingleton(texts),
                weighting=self._weighting,
                idf_power=self._idf_power,
                directory=self.base_temp_dir,
            )
        )


def analyze_ngrams(
    ngrams: tf.RaggedTensor, max_tokens: int, weighting: Weighting, idf_power: float = 1.0
) -> tf.Tensor:
    """Finds the vocabulary of the training texts, inside a preprocessing_fn.

    Args:
        ngrams: string [n, (n-grams)].
        max_tokens: V, the columns of the matrix: V - 1 n-grams and one for unknown ones.
        weighting: The formula of the weights.
        idf_power: As `inverse_document_frequency` takes it.

    Returns:
        The path of the vocabulary asset, string []. Line i (from 0) holds the n-gram and the
        weight of column i; column 0 stands for the n-grams outside the vocabulary.
    """
    (path,) = tft.experimental.ptransform_analyzer(
        inputs=list(count_batch(ngrams)),
        ptransform=NgramVocabulary(max_tokens - 1, weighting, idf_power),
        output_dtypes=[tf.string],
        output_shapes=[[]],
        output_asset_default_values=[UNKNOWN_NGRAM + b"\t0\n"],
        name="ngram_vocabulary",
    )
    tft.annotate_asset(NGRAM_VOCABULARY, NGRAM_VOCABULARY)
    return path


class NgramLookup(NamedTuple):
    """N-grams looked up in the vocabulary asset.

    Attributes:
        columns: The column of each n-gram that was looked up, int64 [m].
        size: The number of columns, V, int64 [].
        idf: The table from a column, int64, to its weight, float32.
    """

    columns: tf.Tensor
    size: tf.Tensor
    idf: tf.lookup.StaticHashTable


def look_up_ngrams(ngrams: tf.Tensor, path: tf.Tensor) -> NgramLookup:
    """Looks n-grams, string [m], up in the vocabulary asset that `analyze_ngrams` names."""
    line = tf.lookup.TextFileIndex.LINE_NUMBER
    tables: list[tf.lookup.StaticHashTable] = []

    def read_table(
        file: tf.Tensor, key: tuple[tf.DType, int], value: tuple[tf.DType, int]
    ) -> tf.lookup.StaticHashTable:
        initializer = tf.lookup.TextFileInitializer(file, *key, *value, delimiter="\t")
        return tf.lookup.StaticHashTable(initializer, value[0].as_numpy_dtype())

    def look_up(keys: tf.Tensor, file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # After the analysis the path is a value: the tables then belong outside the traced
        # function, where they are filled once and not at every call.
        with tf.init_scope() if hasattr(file, "numpy") else nullcontext():
            columns = read_table(file, (tf.string, 0), (tf.int64, line))
            size = columns.size()
            tables.append(read_table(file, (tf.int64, line), (tf.float32, 1)))
        sizes.append(size)
        return columns.lookup(keys), size

    sizes: list[tf.Tensor] = []
    columns = tft.apply_vocabulary(ngrams, path, lookup_fn=look_up)
    return NgramLookup(columns, sizes[0], tables[0])
