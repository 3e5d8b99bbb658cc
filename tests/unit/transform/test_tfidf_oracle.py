"""TF-IDF against Keras's TextVectorization and scikit-learn's TfidfVectorizer."""

from __future__ import annotations

import functools
import itertools
import random
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import MultiLabelBinarizer

from components.transform.settings import FeatureSettings
from schema import names
from schema.text import join_title_and_abstract
from tests.support.transform_graph import Transformed, transform

WORDS = ["Deep", "nets", "graph,", "kernel", "ünïcode", "ÜBER", "l2-norm", "x_1", "$\\alpha$", "a"]
ODD_TEXTS = ["", "!!!", "  \n ", "naïve Bayes\nover two lines", "a a a a", "\u00a0no\u2003break "]
LABELS = [b"cs.LG", b"cs.CV", b"stat.ML", b"68T45", b"I.2.6; I.2.10", "größe".encode()]
FEW, SOME, ALL = 2, 17, 10_000


def make_texts(count: int, seed: int) -> list[str]:
    """Short texts over few words, so that many n-grams share a count."""
    dice = random.Random(seed)
    return ODD_TEXTS + [
        " ".join(dice.choices(WORDS, weights=range(1, 11), k=dice.randint(0, 12)))
        for _ in range(count)
    ]


@dataclass(frozen=True)
class Analysis:
    """What went in and what came out."""

    titles: list[str]
    abstracts: list[str]
    terms: list[list[bytes]]
    transformed: Transformed


@pytest.fixture(scope="module")
def analyse(tmp_path_factory):
    """Analyses a corpus of its own for each size; one Beam run serves all tests of it."""

    @functools.cache
    def run(max_tokens: int, text: str, weighting: str = "keras") -> Analysis:
        abstracts = make_texts(60, seed=max_tokens)
        dice = random.Random(max_tokens)
        titles = [dice.choice(["", "Kernel", "A title: deep"]) for _ in abstracts]
        terms = [dice.sample(LABELS, k=dice.randint(1, 4)) for _ in abstracts]
        settings = FeatureSettings(text=text, max_tokens=max_tokens, weighting=weighting)
        folder = tmp_path_factory.mktemp("analysis")
        transformed = transform(titles, abstracts, terms, settings, folder)
        return Analysis(titles, abstracts, terms, transformed)

    return run


@pytest.mark.parametrize(
    ("max_tokens", "text"), [(FEW, "abstract"), (SOME, "abstract"), (ALL, "title_and_abstract")]
)
def test_keras_weighting_equals_text_vectorization(analyse, max_tokens, text):
    analysis = analyse(max_tokens, text)
    texts = analysis.abstracts
    if text == "title_and_abstract":
        texts = [
            join_title_and_abstract(title, abstract)
            for title, abstract in zip(analysis.titles, analysis.abstracts, strict=True)
        ]
    oracle = keras.layers.TextVectorization(
        max_tokens=max_tokens, ngrams=2, output_mode="tf_idf", pad_to_max_tokens=False
    )
    oracle.adapt(tf.data.Dataset.from_tensor_slices(texts).batch(16))
    expected = np.asarray(oracle(tf.constant(texts)))

    found = analysis.transformed
    assert found.ngrams == [word.encode() for word in oracle.get_vocabulary()]
    size = found.output.transformed_feature_spec()[names.TFIDF].size
    assert list(size) == [expected.shape[1]]
    np.testing.assert_allclose(found.matrix(names.TFIDF), expected, rtol=1e-6, atol=0)


def test_the_cut_falls_inside_a_tie():
    """The case that the sizes above are meant to hit: equal counts on both sides of the cut."""
    texts = make_texts(60, seed=SOME)
    oracle = keras.layers.TextVectorization(ngrams=2, output_mode="count")
    oracle.adapt(tf.constant(texts))
    counts = np.asarray(oracle(tf.constant(texts))).sum(axis=0)
    # Columns 1 to 16 fit into 17 tokens; 17 is the first left out.
    assert counts[SOME - 1] == counts[SOME]


def test_sublinear_weighting_equals_scikit_learn(analyse):
    analysis = analyse(40, "abstract", "sublinear_l2")
    vocabulary = [ngram.decode() for ngram in analysis.transformed.ngrams]

    def analyzer(text):
        plain = tf.strings.regex_replace(
            tf.strings.lower(text), r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']', ""
        )
        words = [word.decode() for word in tf.strings.split(plain).numpy()]
        return words + [" ".join(pair) for pair in itertools.pairwise(words)]

    oracle = TfidfVectorizer(
        analyzer=analyzer, vocabulary=vocabulary[1:], sublinear_tf=True, dtype=np.float64
    )
    expected = scipy.sparse.csr_matrix(oracle.fit_transform(analysis.abstracts)).toarray()
    found = analysis.transformed.matrix(names.TFIDF)
    assert not found[:, 0].any()
    np.testing.assert_allclose(found[:, 1:], expected, rtol=2e-6, atol=1e-7)


def test_labels_equal_multi_label_binarizer(analyse):
    analysis = analyse(SOME, "abstract")
    vocabulary = analysis.transformed.labels
    found = analysis.transformed.matrix(names.LABELS)
    oracle = MultiLabelBinarizer(classes=vocabulary)
    np.testing.assert_array_equal(found, oracle.fit_transform(analysis.terms))
    assert sorted(vocabulary) == sorted(LABELS)
    frequencies = found.sum(axis=0)
    assert (np.diff(frequencies) <= 0).all()
    assert not np.any(analysis.transformed.features[names.UNKNOWN_LABELS])


def test_labels_outside_the_vocabulary_are_counted(analyse):
    transformed = analyse(SOME, "abstract").transformed
    terms = tf.sparse.from_dense([["cs.LG", "new", "newer"], ["68T45", "", ""], ["new", "", ""]])
    found = transformed.output.transform_features_layer()({names.TERMS: terms})
    np.testing.assert_array_equal(found[names.UNKNOWN_LABELS], [2, 0, 1])
    expected = np.zeros((3, len(LABELS)))
    expected[0, transformed.labels.index(b"cs.LG")] = 1
    expected[1, transformed.labels.index(b"68T45")] = 1
    np.testing.assert_array_equal(tf.sparse.to_dense(found[names.LABELS]), expected)


def test_title_joins_the_abstract_by_the_rule(analyse):
    layer = analyse(ALL, "title_and_abstract").transformed.output.transform_features_layer()
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
