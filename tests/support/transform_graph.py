"""Runs Transform's analysis on a few papers, without TFX, and reads what came of it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
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
from pipeline.config import BeamSettings
from schema import names

_LOCAL = PipelineOptions(BeamSettings().pipeline_args())
_SPEC = {
    names.TITLES: tf.io.FixedLenFeature([], tf.string),
    names.SUMMARIES: tf.io.FixedLenFeature([], tf.string),
    names.TERMS: tf.io.VarLenFeature(tf.string),
}


@dataclass(frozen=True)
class Transformed:
    """Papers after Transform, in their order, and the transform graph."""

    features: dict[str, Any]
    output: tft.TFTransformOutput

    def matrix(self, name: str) -> np.ndarray:
        """A sparse feature of all papers as a dense matrix."""
        return tf.sparse.to_dense(self.features[name]).numpy()

    @property
    def ngrams(self) -> list[bytes]:
        """The n-gram of each column."""
        lines = self.output.vocabulary_by_name(names.NGRAM_VOCABULARY)
        return [line.rpartition(b"\t")[0] for line in lines]

    @property
    def labels(self) -> list[bytes]:
        """The label of each column."""
        return list(self.output.vocabulary_by_name(names.LABEL_VOCABULARY))


def transform(
    titles: Sequence[str],
    abstracts: Sequence[str],
    terms: Sequence[Sequence[bytes]],
    settings: FeatureSettings,
    directory: Path,
) -> Transformed:
    """Analyses papers in Beam and transforms them by the graph, which `directory` keeps."""
    papers = [
        {names.TITLES: title.encode(), names.SUMMARIES: abstract.encode(), names.TERMS: labels}
        for title, abstract, labels in zip(titles, abstracts, terms, strict=True)
    ]
    metadata = tft.DatasetMetadata.from_feature_spec(_SPEC)
    function = functools.partial(
        preprocessing_fn, custom_config={"settings": settings.model_dump_json()}
    )
    # One pipeline for all: papers given as a list would start one for each of its steps.
    with tft_beam.Context(temp_dir=str(directory / "temp")), beam.Pipeline(options=_LOCAL) as root:
        dataset = (root | beam.Create(papers), metadata)
        _ = (
            dataset
            | tft_beam.AnalyzeDataset(function)
            | tft_beam.WriteTransformFn(str(directory / "output"))
        )
    output = tft.TFTransformOutput(str(directory / "output"))
    raw = {
        names.TITLES: tf.constant(list(titles)),
        names.SUMMARIES: tf.constant(list(abstracts)),
        names.TERMS: tf.ragged.constant(terms, dtype=tf.string).to_sparse(),
    }
    return Transformed(output.transform_features_layer()(raw), output)
