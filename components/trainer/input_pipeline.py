"""From transformed examples on disk to batches for the network, streaming."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.dataset_options import dataset_options
from schema import names
from schema.errors import BadInputError

_SHUFFLE_RECORDS = 16_384
_FILES_AT_ONCE = 4
_BATCHES_AHEAD = 4
_SURVEYED_AT_ONCE = 1024


def vocabulary_size(feature_spec: Mapping[str, Any]) -> int:
    """Returns V, the number of columns of the TF-IDF matrix."""
    return _size(feature_spec, names.TFIDF)


def label_count(feature_spec: Mapping[str, Any]) -> int:
    """Returns L, the number of labels of the vocabulary."""
    return _size(feature_spec, names.LABELS)


def scan_split(
    file_pattern: str | Sequence[str], feature_spec: Mapping[str, Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Reads a split once, without its n-grams.

    Args:
        file_pattern: As `make_dataset` takes it.
        feature_spec: As `make_dataset` takes it.

    Returns:
        The key of each paper, [n], in the order of the files, and the papers of each label, [L].

    Raises:
        BadInputError: No file matches.
    """
    labels = tf.io.RaggedFeature(tf.int64, value_key=_index_key(feature_spec[names.LABELS]))
    wanted = {names.PAPER_KEY: tf.io.FixedLenFeature([], tf.int64), names.LABELS: labels}
    batches = (
        tf.data.Dataset.from_tensor_slices(_matching_files(file_pattern))
        .flat_map(tf.data.TFRecordDataset)
        .batch(_SURVEYED_AT_ONCE)
        .map(lambda serialized: tf.io.parse_example(serialized, wanted))
        .with_options(dataset_options())
    )
    width = label_count(feature_spec)
    keys, counts = [np.zeros(0, np.int64)], np.zeros(width, np.int64)
    for batch in batches:
        keys.append(batch[names.PAPER_KEY].numpy())
        counts += np.bincount(batch[names.LABELS].flat_values.numpy(), minlength=width)
    return np.concatenate(keys), counts


def make_dataset(
    file_pattern: str | Sequence[str],
    feature_spec: Mapping[str, Any],
    batch_size: int,
    *,
    shuffle: bool,
    seed: int,
    include_unknown: bool = False,
    worker: int = 0,
    workers: int = 1,
    batches: int | None = None,
) -> tf.data.Dataset:
    """Reads transformed examples in batches, in bounded memory.

    Args:
        file_pattern: Pattern or patterns of TFRecord files, not compressed.
        feature_spec: Of the transformed examples, with V and L in its sparse features.
        batch_size: Examples of a batch.
        shuffle: Whether to shuffle the files, and the records within a buffer of 16,384, anew in
            each epoch. Otherwise records come in the order of the sorted files.
        seed: Seed of the shuffling; equal seeds give equal batches.
        include_unknown: Whether to add the third part.
        worker: The number of this worker, from 0. Each reads every `workers`-th record of the same
            order, so that together they read each record once.
        workers: Machines that read the same files.
        batches: Batches of an epoch; None means all. Several replicas need equally many, and
            equally large, batches.

    Returns:
        A dataset of ({ids: int32 [n, m], weights: float32 [n, m]}, labels: multi-hot float32
        [n, L]), m being the most n-grams of an example in the batch; shorter rows are padded
        with id 0 and weight 0. With `include_unknown` each element has a third part, int64 [n],
        the number of true labels outside the vocabulary (not for Keras, which would take it for
        sample weights).

    Raises:
        BadInputError: No file matches.
    """
    paths = _matching_files(file_pattern)
    files = tf.data.Dataset.from_tensor_slices(paths)
    if shuffle:
        files = files.shuffle(len(paths), seed=seed)
        records = files.interleave(
            tf.data.TFRecordDataset, cycle_length=_FILES_AT_ONCE, num_parallel_calls=_FILES_AT_ONCE
        ).shuffle(_SHUFFLE_RECORDS, seed=seed)
    else:
        records = files.flat_map(tf.data.TFRecordDataset)
    if workers > 1:
        # Before parsing, the slowest part.
        records = records.shard(workers, worker)
    batched = records.batch(batch_size)
    if batches is not None:
        batched = batched.take(batches)
    parsed = batched.map(
        _parser(feature_spec, include_unknown), num_parallel_calls=os.cpu_count() or 1
    ).prefetch(_BATCHES_AHEAD)
    options = dataset_options()
    # Records are already divided among the workers.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return parsed.with_options(options)


def _matching_files(file_pattern: str | Sequence[str]) -> list[str]:
    patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
    paths = sorted({path for pattern in patterns for path in tf.io.gfile.glob(pattern)})
    if not paths:
        raise BadInputError(
            f"no transformed examples match {', '.join(patterns)}: run Transform again"
        )
    return paths


def _size(feature_spec: Mapping[str, Any], name: str) -> int:
    size = feature_spec[name].size
    return int(size[0] if isinstance(size, Sequence) else size)


def _index_key(feature: Any) -> str:
    key = feature.index_key
    return str(key if isinstance(key, str) else key[0])


def _multi_hot(columns: tf.RaggedTensor, width: int) -> tf.Tensor:
    """Returns float32 [n, width]; fails on a column out of range, or twice in a row."""
    values = columns.flat_values
    indices = tf.stack([tf.cast(columns.value_rowids(), tf.int64), values], axis=1)
    sparse = tf.SparseTensor(
        indices,
        tf.ones_like(values, tf.float32),
        tf.stack([columns.nrows(out_type=tf.int64), tf.constant(width, tf.int64)]),
    )
    return tf.ensure_shape(tf.sparse.to_dense(tf.sparse.reorder(sparse)), [None, width])


def _parser(feature_spec: Mapping[str, Any], include_unknown: bool) -> Any:
    """Returns the function from serialized examples [n] to a batch."""
    tfidf, labels = feature_spec[names.TFIDF], feature_spec[names.LABELS]
    # Plain lists: a SparseFeature would be sorted and checked, only to be padded again.
    wanted: dict[str, Any] = {
        names.MODEL_IDS: tf.io.RaggedFeature(tf.int64, value_key=_index_key(tfidf)),
        names.MODEL_WEIGHTS: tf.io.RaggedFeature(tf.float32, value_key=tfidf.value_key),
        names.LABELS: tf.io.RaggedFeature(tf.int64, value_key=_index_key(labels)),
    }
    if include_unknown:
        wanted[names.UNKNOWN_LABELS] = feature_spec[names.UNKNOWN_LABELS]
    width = label_count(feature_spec)

    def parse(serialized: tf.Tensor) -> tuple[Any, ...]:
        parsed = tf.io.parse_example(serialized, wanted)
        inputs = {
            names.MODEL_IDS: tf.cast(parsed[names.MODEL_IDS].to_tensor(), tf.int32),
            names.MODEL_WEIGHTS: parsed[names.MODEL_WEIGHTS].to_tensor(),
        }
        truth = _multi_hot(parsed[names.LABELS], width)
        if include_unknown:
            return inputs, truth, parsed[names.UNKNOWN_LABELS]
        return inputs, truth

    return parse
