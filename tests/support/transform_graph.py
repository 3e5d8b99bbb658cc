"""Runs Transform's analysis on invented papers, without TFX, and reads what came of it."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions

from components.transform.preprocessing import preprocessing_fn
from components.transform.settings import FeatureSettings
from pipeline.beam_settings import BeamSettings
from schema import names
from schema.text import join_title_and_abstract

_LOCAL = PipelineOptions(BeamSettings().pipeline_args())
_SPEC = {
    names.TITLES: tf.io.FixedLenFeature([], tf.string),
    names.SUMMARIES: tf.io.FixedLenFeature([], tf.string),
    names.TERMS: tf.io.VarLenFeature(tf.string),
    names.LEFT_OUT_TERMS: tf.io.VarLenFeature(tf.string),
}


WORDS = ["Deep", "nets", "graph,", "kernel", "ünïcode", "ÜBER", "l2-norm", "x_1", "$\\alpha$", "a"]
ODD_TEXTS = ["", "!!!", "  \n ", "naïve Bayes\nover two lines", "a a a a", "\u00a0no\u2003break "]
LABELS = [b"cs.LG", b"cs.CV", b"stat.ML", b"68T45", b"I.2.6; I.2.10", "größe".encode()]


def make_texts(count: int, seed: int) -> list[str]:
    """Short texts over few words, so that many n-grams share a count."""
    dice = random.Random(seed)
    return ODD_TEXTS + [
        " ".join(dice.choices(WORDS, weights=range(1, 11), k=dice.randint(0, 12)))
        for _ in range(count)
    ]


class Analysis:
    """Papers, what Transform makes of them, and the transform graph.

    Attributes:
        titles: The titles; some are empty.
        abstracts: The abstracts.
        texts: What the model reads of each.
        terms: The true labels.
        features: The transformed features of all papers, by name.
        output: The transform graph.
    """

    def __init__(self, settings: FeatureSettings, directory: Path) -> None:
        """Draws 66 papers, others for each number of columns, and analyses them."""
        self.abstracts = make_texts(60, seed=settings.max_tokens)
        dice = random.Random(settings.max_tokens)
        self.titles = [dice.choice(["", "Kernel", "A title: deep"]) for _ in self.abstracts]
        self.terms = [dice.sample(LABELS, k=dice.randint(1, 4)) for _ in self.abstracts]
        self.texts = self.abstracts
        if settings.input == "title_and_abstract":
            papers = zip(self.titles, self.abstracts, strict=True)
            self.texts = [join_title_and_abstract(*paper) for paper in papers]
        self.output = _analyse(self.titles, self.abstracts, self.terms, settings, directory)
        raw = {
            names.TITLES: tf.constant(self.titles),
            names.SUMMARIES: tf.constant(self.abstracts),
            names.TERMS: tf.ragged.constant(self.terms, dtype=tf.string).to_sparse(),
            names.LEFT_OUT_TERMS: tf.sparse.from_dense(tf.fill([len(self.terms), 0], "")),
        }
        self.features: dict[str, Any] = self.output.transform_features_layer()(raw)

    def matrix(self, name: str) -> np.ndarray:
        """A sparse feature of all papers as a dense matrix."""
        return tf.sparse.to_dense(self.features[name]).numpy()

    @property
    def ngrams(self) -> list[bytes]:
        """The n-gram of each column."""
        lines = self.output.vocabulary_by_name(names.NGRAM_VOCABULARY)
        return [line.split(b"\t")[0] for line in lines]

    @property
    def labels(self) -> list[bytes]:
        """The label of each column."""
        return list(self.output.vocabulary_by_name(names.LABEL_VOCABULARY))


def _analyse(
    titles: Sequence[str],
    abstracts: Sequence[str],
    terms: Sequence[Sequence[bytes]],
    settings: FeatureSettings,
    directory: Path,
) -> tft.TFTransformOutput:
    papers = [
        {
            names.TITLES: title.encode(),
            names.SUMMARIES: abstract.encode(),
            names.TERMS: labels,
            names.LEFT_OUT_TERMS: [],
        }
        for title, abstract, labels in zip(titles, abstracts, terms, strict=True)
    ]
    metadata = tft.DatasetMetadata.from_feature_spec(_SPEC)
    function = functools.partial(
        preprocessing_fn, custom_config={"settings": settings.model_dump_json(), "by_title": True}
    )
    # One pipeline for all: papers given as a list would start one for each of its steps.
    with tft_beam.Context(temp_dir=str(directory / "temp")), beam.Pipeline(options=_LOCAL) as root:
        dataset = (root | beam.Create(papers), metadata)
        _ = (
            dataset
            | tft_beam.AnalyzeDataset(function)
            | tft_beam.WriteTransformFn(str(directory / "output"))
        )
    return tft.TFTransformOutput(str(directory / "output"))
