"""TF-IDF against Keras's TextVectorization and scikit-learn's TfidfVectorizer."""

import functools
import random

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import MultiLabelBinarizer

from components.transform.preprocessing import preprocessing_fn
from components.transform.settings import FeatureSettings
from schema import names

WORDS = ["Deep", "nets", "graph,", "kernel", "ünïcode", "ÜBER", "l2-norm", "x_1", "$\\alpha$", "a"]
ODD_TEXTS = ["", "!!!", "  \n ", "naïve Bayes\nover two lines", "a a a a", "\u00a0no\u2003break "]


def make_texts(count: int, seed: int) -> list[str]:
    """Short texts over few words, so that many n-grams share a count."""
    dice = random.Random(seed)
    return ODD_TEXTS + [
        " ".join(dice.choices(WORDS, weights=range(1, 11), k=dice.randint(0, 12)))
        for _ in range(count)
    ]


def transform(texts, labels, settings, directory):
    """Analyses and transforms in Beam; returns the rows and the transform output."""
    spec = {
        names.TITLES: tf.io.FixedLenFeature([], tf.string),
        names.SUMMARIES: tf.io.FixedLenFeature([], tf.string),
        names.TERMS: tf.io.VarLenFeature(tf.string),
    }
    metadata = tft.DatasetMetadata.from_feature_spec(spec)
    papers = [
        {names.TITLES: b"", names.SUMMARIES: text.encode(), names.TERMS: terms}
        for text, terms in zip(texts, labels, strict=True)
    ]
    function = functools.partial(
        preprocessing_fn, custom_config={"settings": settings.model_dump_json()}
    )
    with tft_beam.Context(temp_dir=str(directory / "temp")):
        (rows, _), transform_fn = (papers, metadata) | tft_beam.AnalyzeAndTransformDataset(function)
        _ = transform_fn | tft_beam.WriteTransformFn(str(directory / "output"))
    return rows, tft.TFTransformOutput(str(directory / "output"))


def to_matrix(rows, name, width):
    """Puts the sparse values of transformed rows into a dense matrix."""
    matrix = np.zeros((len(rows), width), np.float32)
    for index, row in enumerate(rows):
        matrix[index, row[f"{name}$sparse_indices_0"]] = row[f"{name}$sparse_values"]
    return matrix


def read_vocabulary(output):
    lines = output.vocabulary_by_name(names.NGRAM_VOCABULARY)
    return [line.rpartition(b"\t")[0] for line in lines]


@pytest.mark.parametrize("max_tokens", [2, 17, 40, 10_000])
def test_keras_weighting_equals_text_vectorization(tmp_path, max_tokens):
    texts = make_texts(60, seed=max_tokens)
    oracle = keras.layers.TextVectorization(
        max_tokens=max_tokens, ngrams=2, output_mode="tf_idf", pad_to_max_tokens=False
    )
    oracle.adapt(tf.data.Dataset.from_tensor_slices(texts).batch(16))
    expected = np.asarray(oracle(tf.constant(texts)))

    settings = FeatureSettings(text="abstract", max_tokens=max_tokens, weighting="keras")
    rows, output = transform(texts, [[b"x"]] * len(texts), settings, tmp_path)

    assert read_vocabulary(output) == [word.encode() for word in oracle.get_vocabulary()]
    size = output.transformed_feature_spec()[names.TFIDF].size
    assert list(size) == [expected.shape[1]]
    np.testing.assert_allclose(
        to_matrix(rows, names.TFIDF, expected.shape[1]), expected, rtol=1e-6, atol=0
    )


def test_the_cut_falls_inside_a_tie():
    """The case that the sizes above are meant to hit: equal counts on both sides of the cut."""
    texts = make_texts(60, seed=17)
    oracle = keras.layers.TextVectorization(ngrams=2, output_mode="count")
    oracle.adapt(tf.constant(texts))
    counts = np.asarray(oracle(tf.constant(texts))).sum(axis=0)
    # Columns 1 to 16 fit into 17 tokens; 17 is the first left out.
    assert counts[16] == counts[17]


def test_sublinear_weighting_equals_scikit_learn(tmp_path):
    texts = make_texts(60, seed=5)
    settings = FeatureSettings(text="abstract", max_tokens=40, weighting="sublinear_l2")
    rows, output = transform(texts, [[b"x"]] * len(texts), settings, tmp_path)
    vocabulary = [ngram.decode() for ngram in read_vocabulary(output)]

    split = keras.layers.TextVectorization(ngrams=2)
    split.adapt(["x"])

    def analyzer(text):
        plain = tf.strings.regex_replace(
            tf.strings.lower(text), r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']', ""
        )
        words = [word.decode() for word in tf.strings.split(plain).numpy()]
        return words + [" ".join(pair) for pair in zip(words, words[1:], strict=False)]

    oracle = TfidfVectorizer(
        analyzer=analyzer, vocabulary=vocabulary[1:], sublinear_tf=True, dtype=np.float64
    )
    expected = scipy.sparse.csr_matrix(oracle.fit_transform(texts)).toarray()
    found = to_matrix(rows, names.TFIDF, len(vocabulary))
    assert not found[:, 0].any()
    np.testing.assert_allclose(found[:, 1:], expected, rtol=2e-6, atol=1e-7)


def test_labels_equal_multi_label_binarizer(tmp_path):
    dice = random.Random(3)
    known = [b"cs.LG", b"cs.CV", b"stat.ML", b"68T45", b"I.2.6; I.2.10", "größe".encode()]
    labels = [dice.sample(known, k=dice.randint(1, 4)) for _ in range(50)]
    rows, output = transform(["a text"] * 50, labels, FeatureSettings(max_tokens=9), tmp_path)

    vocabulary = output.vocabulary_by_name(names.LABEL_VOCABULARY)
    oracle = MultiLabelBinarizer(classes=vocabulary)
    found = to_matrix(rows, names.LABELS, len(vocabulary))
    np.testing.assert_array_equal(found, oracle.fit_transform(labels))
    assert sorted(vocabulary) == sorted(known)
    frequencies = found.sum(axis=0)
    assert (np.diff(frequencies) <= 0).all()
    assert {row[names.UNKNOWN_LABELS] for row in rows} == {0}


def test_labels_outside_the_vocabulary_are_counted(tmp_path):
    _, output = transform(
        ["a", "b"], [[b"x"], [b"x", b"y"]], FeatureSettings(max_tokens=5), tmp_path
    )
    terms = tf.sparse.from_dense([["x", "new", "newer"], ["y", "", ""], ["new", "", ""]])
    transformed = output.transform_features_layer()({names.TERMS: terms})
    np.testing.assert_array_equal(transformed[names.UNKNOWN_LABELS], [2, 0, 1])
    dense = tf.sparse.to_dense(transformed[names.LABELS])
    np.testing.assert_array_equal(dense, [[1, 0], [0, 1], [0, 0]])


def test_title_joins_the_abstract_by_the_rule(tmp_path):
    from schema.text import join_title_and_abstract

    settings = FeatureSettings(max_tokens=50)
    texts = ["graph nets learn", "kernel graph nets", "nets learn graph"]
    _, output = transform(texts, [[b"x"]] * 3, settings, tmp_path)
    layer = output.transform_features_layer()
    titles, abstracts = ["Kernel", ""], ["Graph nets", "Graph nets"]
    apart = layer({names.TITLES: tf.constant(titles), names.SUMMARIES: tf.constant(abstracts)})
    joined = [
        join_title_and_abstract(title, abstract)
        for title, abstract in zip(titles, abstracts, strict=True)
    ]
    together = layer({names.TITLES: tf.constant(["", ""]), names.SUMMARIES: tf.constant(joined)})
    dense = tf.sparse.to_dense(apart[names.TFIDF]).numpy()
    np.testing.assert_array_equal(dense, tf.sparse.to_dense(together[names.TFIDF]).numpy())
    assert (dense[0] != dense[1]).any()
