"""One pass over the texts: the n-gram vocabulary and its document frequencies."""

from __future__ import annotations

import itertools
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

from components.transform.counting import (
    TABLE,
    Batch,
    count,
    merge,
    most_frequent,
    read_batch,
    spell,
)
from components.transform.settings import Weighting
from components.transform.weighting import inverse_document_frequency
from schema.names import NGRAM_VOCABULARY

# N-grams are merged in this many independent parts, so that no worker holds them all.
SHARDS: Final = 64
# A part is compacted once it has grown by so many rows; a worker holds all parts of its papers.
COMPACT_AFTER: Final = 2**24 // SHARDS

# The name of column 0; an n-gram has no punctuation, so none can have this name.
UNKNOWN_NGRAM: Final = b"[UNK]"


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
        return [self._join(accumulator)] if accumulator else []

    def extract_output(self, accumulator: list[pa.Table]) -> pa.Table:
        """Adds everything up, and drops the rarer rows."""
        return most_frequent(self._join(accumulator), self._size)

    def _join(self, tables: Sequence[pa.Table]) -> pa.Table:
        return merge(tables)

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

    def _join(self, tables: Sequence[pa.Table]) -> pa.Table:
        return pa.concat_tables([TABLE.empty_table(), *tables]).combine_chunks()


@beam.typehints.with_output_types(Iterable[tuple[int, pa.Table]])
def _tables_by_shard(batch: Batch) -> Iterator[tuple[int, pa.Table]]:
    table = count(batch)
    shards = (table["hash"].to_numpy() % SHARDS).astype(np.uint8)
    order = np.argsort(shards, kind="stable")
    bounds = np.searchsorted(shards[order], np.arange(SHARDS + 1))
    for shard, (start, stop) in enumerate(itertools.pairwise(bounds)):
        if start < stop:
            # Copied: a slice of a table is pickled with the whole table.
            yield shard, table.take(order[start:stop])


@beam.typehints.with_output_types(int)
def _count_texts(batch: Batch) -> int:
    return int(batch[-1].sum())


def _write_vocabulary(
    table: pa.Table, texts: int, size: int, weighting: Weighting, idf_power: float, directory: str
) -> npt.NDArray[Any]:
    # This is the order, and the cut, of `TextVectorization.adapt`.
    ngrams = table.append_column("ngram", pa.array(spell(table), pa.binary()))
    order = pc.sort_indices(ngrams, sort_keys=[("count", "descending"), ("ngram", "descending")])
    kept = ngrams.take(order[:size])
    idf = inverse_document_frequency(kept["documents"].to_numpy(), texts, weighting, idf_power)
    # A worker may run this twice; a folder for each try keeps the files whole.
    path = FileSystems.join(directory, f"{NGRAM_VOCABULARY}-{uuid.uuid4().hex}", NGRAM_VOCABULARY)
    FileSystems.mkdirs(FileSystems.split(path)[0])
    names = [UNKNOWN_NGRAM, *kept["ngram"].to_pylist()]
    lines = zip(names, idf.tolist(), [0, *kept["hash"].to_pylist()], strict=True)
    with FileSystems.create(path, "text/plain") as file:
        # Nine significant digits restore the exact float32.
        file.write(b"".join(b"%s\t%.9g\t%d\n" % line for line in lines))
    return np.asarray(path.encode())


class NgramVocabulary(PTransformAnalyzer):
    """Analyzer: a text file with an n-gram, its weight and its hash in each line, by column."""

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
                size=self._size,
                weighting=self._weighting,
                idf_power=self._idf_power,
                directory=self.base_temp_dir,
            )
        )


def analyze_ngrams(
    words: tf.RaggedTensor,
    longest: int,
    max_tokens: int,
    weighting: Weighting,
    idf_power: float = 1.0,
) -> tf.Tensor:
    """Finds the vocabulary of the training texts, inside a preprocessing_fn.

    Args:
        words: string [n, (words)].
        longest: The longest n-gram, in words.
        max_tokens: V, the columns of the matrix: V - 1 n-grams and one for unknown ones.
        weighting: The formula of the weights.
        idf_power: As `inverse_document_frequency` takes it.

    Returns:
        The path of the vocabulary asset, string []. Line i (from 0) holds the n-gram, the
        weight and the hash of column i; column 0 stands for the n-grams outside the vocabulary.
    """
    (path,) = tft.experimental.ptransform_analyzer(
        inputs=list(read_batch(words, longest)),
        ptransform=NgramVocabulary(max_tokens - 1, weighting, idf_power),
        output_dtypes=[tf.string],
        output_shapes=[[]],
        output_asset_default_values=[UNKNOWN_NGRAM + b"\t0\t0\n"],
        name="ngram_vocabulary",
    )
    tft.annotate_asset(NGRAM_VOCABULARY, NGRAM_VOCABULARY)
    return path


class NgramLookup(NamedTuple):
    """N-grams looked up in the vocabulary asset.

    Attributes:
        columns: The column of each hash that was looked up, int64; 0 for n-grams outside.
        size: The number of columns, V, int64 [].
        idf: The table from a column, int64, to its weight, float32.
    """

    columns: tf.Tensor
    size: tf.Tensor
    idf: tf.lookup.StaticHashTable


def look_up_ngrams(hashes: tf.Tensor, path: tf.Tensor) -> NgramLookup:
    """Looks the hashes of n-grams up in the vocabulary asset that `analyze_ngrams` names."""
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
            columns = read_table(file, (tf.int64, 2), (tf.int64, line))
            size = columns.size()
            tables.append(read_table(file, (tf.int64, line), (tf.float32, 1)))
        sizes.append(size)
        return columns.lookup(keys), size

    sizes: list[tf.Tensor] = []
    columns = tft.apply_vocabulary(hashes, path, lookup_fn=look_up)
    return NgramLookup(columns, sizes[0], tables[0])
