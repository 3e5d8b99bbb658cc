"""From a paper to the tf.train.Example that every later component reads, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from components.dataset_options import dataset_options
from components.example_gen.papers import Paper
from schema import names
from schema.text import decode_text, join_title_and_abstract


@dataclass(frozen=True)
class RawPaper:
    """What a raw example holds.

    Attributes:
        title: Its title; may be empty.
        abstract: The text that is classified.
        labels: Its true labels, each once.
    """

    title: str
    abstract: str
    labels: tuple[str, ...]

    @property
    def text(self) -> str:
        """Title and abstract in one, as a client sends them."""
        return join_title_and_abstract(self.title, self.abstract)


def to_example(paper: Paper) -> tf.train.Example:
    """Makes a paper's example.

    Args:
        paper: The paper, whatever its columns were called.

    Returns:
        An example of three bytes features: the title (empty where there is no title column) and
        the text with one value each, and the labels with at least one, all UTF-8.
    """
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                names.TITLES: _feature(paper.title),
                names.SUMMARIES: _feature(paper.text),
                names.TERMS: _feature(*paper.labels),
            }
        )
    )


def raw_examples(split_dir: str) -> tf.data.Dataset:
    """Returns the serialized raw examples of a split, file by file in the order of their names.

    Args:
        split_dir: Its folder, with gzipped TFRecord files; none give no examples.
    """
    files = sorted(tf.io.gfile.glob(f"{split_dir}/*.gz"))
    # An empty list would be one of floats.
    records = tf.data.TFRecordDataset(tf.constant(files, tf.string), "GZIP")
    return records.with_options(dataset_options())


def parse_example(record: bytes) -> RawPaper:
    """Reads back what `to_example` wrote; what is missing is empty.

    Args:
        record: The serialized example.
    """
    feature = tf.train.Example.FromString(record).features.feature
    return RawPaper(
        title=_first(feature[names.TITLES].bytes_list.value),
        abstract=_first(feature[names.SUMMARIES].bytes_list.value),
        labels=tuple(decode_text(term) for term in feature[names.TERMS].bytes_list.value),
    )


def _first(values: Sequence[bytes]) -> str:
    return decode_text(values[0]) if values else ""


def _feature(*values: str) -> tf.train.Feature:
    encoded = [value.encode() for value in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))
