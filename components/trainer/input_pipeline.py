"""From transformed examples on disk to batches for the network, streaming."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.dataset_options import dataset_options
from schema import names
from schema.errors import BadInputError

_NOT_READ = {names.LABELS, names.UNKNOWN_LABELS, names.PAPER_KEY, names.KNOWN_SHARE}
_SHUFFLE_RECORDS = 16_384
_FILES_AT_ONCE = 4
_BATCHES_AHEAD = 4
_SURVEYED_AT_ONCE = 1024


def vocabulary_size(feature_spec: Mapping[str, Any]) -> int:
    """Returns V, the number of columns of the TF-IDF matrix."""
    return _size(feature_spec, names.TFIDF)


def model_inputs(feature_spec: Mapping[str, Any]) -> dict[str, keras.KerasTensor]:
    """Returns a `keras.Input` for each feature that a network may read, by name.

    `tfidf` is `ids` and `weights`, [n, m] each. Features of several lengths are padded to [n, m].
    """
    inputs = {}
    for name in feature_spec.keys() - _NOT_READ:
        feature = feature_spec[name]
        if name == names.TFIDF:
            inputs[names.MODEL_IDS] = keras.Input([None], dtype="int32", name=names.MODEL_IDS)
            inputs[names.MODEL_WEIGHTS] = keras.Input([None], name=names.MODEL_WEIGHTS)
        elif not isinstance(feature, tf.io.SparseFeature):
            shape = feature.shape if isinstance(feature, tf.io.FixedLenFeature) else [None]
            inputs[name] = keras.Input(shape, dtype=feature.dtype.name, name=name)
    return inputs


def pad(features: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Returns transformed features as a network reads them: see `model_inputs`."""
    dense = dict(features)
    if names.TFIDF in dense:
        tfidf = dense.pop(names.TFIDF)
        rows, ids = tf.unstack(tfidf.indices, axis=1)
        for name, values in ((names.MODEL_IDS, ids), (names.MODEL_WEIGHTS, tfidf.values)):
            dense[name] = tf.RaggedTensor.from_value_rowids(values, rows, tfidf.dense_shape[0])
    for name, value in dense.items():
        if isinstance(value, tf.RaggedTensor):
            dense[name] = value.to_tensor()
        elif isinstance(value, tf.SparseTensor):
            dense[name] = tf.sparse.to_dense(value)
    if names.MODEL_IDS in dense:
        dense[names.MODEL_IDS] = tf.cast(dense[names.MODEL_IDS], tf.int32)
    return dense


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
    inputs: Collection[str] = (names.MODEL_IDS, names.MODEL_WEIGHTS),
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
        inputs: What the network reads, of `model_inputs`.
        include_unknown: Whether to add the third part.
        worker: The number of this worker, from 0. Each reads every `workers`-th record of the same
            order, so that together they read each record once.
        workers: Machines that read the same files.
        batches: Batches of an epoch; None means all. Several replicas need equally many, and
            equally large, batches.

    Returns:
        A dataset of ({ids: int32 [n, m], weights: float32 [n, m]} or other inputs, labels:
        multi-hot float32 [n, L]), m being the most n-grams of an example in the batch; shorter
        rows are padded with 0. With `include_unknown` each has a third part, int64 [n], the number
        of true labels outside the vocabulary (Keras would take it for sample weights).

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
        _parser(feature_spec, inputs, include_unknown), num_parallel_calls=os.cpu_count() or 1
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


def _parser(feature_spec: Mapping[str, Any], inputs: Collection[str], include_unknown: bool) -> Any:
    """Returns the function from serialized examples [n] to a batch."""
    # Plain lists: a SparseFeature would be sorted and checked, only to be padded again.
    lists = {names.LABELS: (tf.int64, _index_key(feature_spec[names.LABELS]))}
    if names.TFIDF in feature_spec:
        tfidf = feature_spec[names.TFIDF]
        lists[names.MODEL_IDS] = (tf.int64, _index_key(tfidf))
        lists[names.MODEL_WEIGHTS] = (tf.float32, tfidf.value_key)
    wanted = {
        name: tf.io.RaggedFeature(lists[name][0], value_key=lists[name][1])
        if name in lists
        else feature_spec[name]
        for name in (*inputs, names.LABELS)
    }
    if include_unknown:
        wanted[names.UNKNOWN_LABELS] = feature_spec[names.UNKNOWN_LABELS]
    width = label_count(feature_spec)

    def parse(serialized: tf.Tensor) -> tuple[Any, ...]:
        parsed = tf.io.parse_example(serialized, wanted)
        read = pad({name: parsed[name] for name in inputs})
        truth = _multi_hot(parsed[names.LABELS], width)
        if include_unknown:
            return read, truth, parsed[names.UNKNOWN_LABELS]
        return read, truth

    return parse
