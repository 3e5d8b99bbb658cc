"""Papers as tf.train.Examples, which ExampleGen writes and every later component reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import tensorflow as tf

from components.dataset_options import dataset_options
from components.papers.raw_paper import RawPaper
from schema import names
from schema.text import decode_text

_BATCH = 256


def read_papers(split_dir: str) -> Iterator[RawPaper]:
    """Streams the papers of a split, file by file in the order of their names.

    Args:
        split_dir: Its folder, with gzipped TFRecord files; without any there are no papers.
    """
    # One at a time, crossing from TensorFlow to Python would take most of the time.
    batches = raw_examples(split_dir).batch(_BATCH).as_numpy_iterator()
    return (parse_example(record) for batch in batches for record in batch)


def raw_examples(split_dir: str) -> tf.data.Dataset:
    """Returns the serialized papers of a split, in the order of `read_papers`."""
    # Not a glob: the folder's name may have brackets in it.
    found = tf.io.gfile.listdir(split_dir) if tf.io.gfile.isdir(split_dir) else []
    files = sorted(f"{split_dir}/{name}" for name in found if name.endswith(".gz"))
    # An empty list would be one of floats.
    records = tf.data.TFRecordDataset(tf.constant(files, tf.string), "GZIP")
    return records.with_options(dataset_options())


def serialize_paper(paper: RawPaper) -> bytes:
    """Returns a paper as a serialized tf.train.Example; equal papers give equal bytes.

    The example has three bytes features, all UTF-8: the title and the abstract with one value
    each (the title may be empty), and the labels. Labels that are left out are a fourth one.
    """
    feature = {
        names.TITLES: _feature(paper.title),
        names.SUMMARIES: _feature(paper.abstract),
        names.TERMS: _feature(*paper.labels),
    }
    if paper.left_out:
        feature[names.LEFT_OUT_TERMS] = _feature(*paper.left_out)
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return bytes(example.SerializeToString(deterministic=True))


def parse_example(record: bytes) -> RawPaper:
    """Reads what `serialize_paper` wrote; a missing feature is empty."""
    feature = tf.train.Example.FromString(record).features.feature
    return RawPaper(
        title=_first(feature[names.TITLES].bytes_list.value),
        abstract=_first(feature[names.SUMMARIES].bytes_list.value),
        labels=_all(feature[names.TERMS].bytes_list.value),
        left_out=_all(feature[names.LEFT_OUT_TERMS].bytes_list.value),
    )


def _all(values: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(map(decode_text, values))


def _first(values: Sequence[bytes]) -> str:
    return decode_text(values[0]) if values else ""


def _feature(*values: str) -> tf.train.Feature:
    encoded = [value.encode() for value in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))
