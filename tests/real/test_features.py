"""Vocabulary and TF-IDF weights of the real train texts equal Keras's TextVectorization."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import schema_utils
from tfx_bsl.public import tfxio

from components.transform.preprocessing import preprocessing_fn
from pipeline.config import load_config
from schema import names

CHECKED = 512


@pytest.fixture(scope="module")
def texts(real_run):
    (folder,) = (real_run.output / "pipeline" / "CsvExampleGen" / "examples").iterdir()
    files = sorted(map(str, (folder / f"Split-{names.TRAIN}").glob("*.gz")))
    spec = {names.SUMMARIES: tf.io.FixedLenFeature([], tf.string)}
    batches = tf.data.TFRecordDataset(files, "GZIP").batch(1024)
    return [
        text
        for batch in batches
        for text in tf.io.parse_example(batch, spec)[names.SUMMARIES].numpy()
    ]


@pytest.fixture(scope="module")
def transform_output(real_run, tmp_path_factory):
    """What Transform finds with the settings of the Keras example."""
    folder = tmp_path_factory.mktemp("transform")
    settings = load_config("keras_example").features
    (examples,) = (real_run.output / "pipeline" / "CsvExampleGen" / "examples").iterdir()
    spec = {
        names.TITLES: tf.io.FixedLenFeature([], tf.string),
        names.SUMMARIES: tf.io.FixedLenFeature([], tf.string),
        names.TERMS: tf.io.VarLenFeature(tf.string),
        names.LEFT_OUT_TERMS: tf.io.VarLenFeature(tf.string),
    }
    source = tfxio.TFExampleRecord(
        str(examples / f"Split-{names.TRAIN}" / "*"),
        schema=schema_utils.schema_from_feature_spec(spec),
    )
    function = functools.partial(
        preprocessing_fn, custom_config={"settings": settings.model_dump_json(), "by_title": True}
    )
    import apache_beam as beam

    with beam.Pipeline() as pipeline, tft_beam.Context(temp_dir=str(folder / "temp")):
        transform_fn = (
            pipeline | source.BeamSource(),
            source.TensorAdapterConfig(),
        ) | tft_beam.AnalyzeDataset(function)
        _ = transform_fn | tft_beam.WriteTransformFn(str(folder / "output"))
    return tft.TFTransformOutput(str(folder / "output"))


def test_they_equal_text_vectorization(texts, transform_output, show):
    size = load_config("keras_example").features.max_tokens
    oracle = keras.layers.TextVectorization(max_tokens=size, ngrams=2, output_mode="tf_idf")
    oracle.adapt(tf.data.Dataset.from_tensor_slices(texts).batch(128))

    lines = transform_output.vocabulary_by_name(names.NGRAM_VOCABULARY)
    found = [line.split(b"\t")[0].decode() for line in lines]
    assert found == oracle.get_vocabulary()

    layer = transform_output.transform_features_layer()
    worst = 0.0
    for start in range(0, CHECKED, 64):
        batch = tf.constant(texts[start : start + 64])
        raw = {names.TITLES: tf.zeros_like(batch), names.SUMMARIES: batch}
        weights = tf.sparse.to_dense(layer(raw)[names.TFIDF]).numpy()
        expected = np.asarray(oracle(batch))
        np.testing.assert_allclose(weights, expected, rtol=1e-6)
        worst = max(worst, float(np.abs(weights - expected).max()))
    show("vocabulary as TextVectorization's", f"{len(found):,} of {size:,} equal")
    show("TF-IDF weights, largest difference", f"{worst:.1e}", f"{CHECKED} texts")
