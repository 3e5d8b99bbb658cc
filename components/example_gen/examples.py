"""From a paper to the tf.train.Example that every later component reads."""

from __future__ import annotations

import tensorflow as tf

from components.example_gen.papers import Paper
from schema import names


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


def _feature(*values: str) -> tf.train.Feature:
    encoded = [value.encode() for value in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))
