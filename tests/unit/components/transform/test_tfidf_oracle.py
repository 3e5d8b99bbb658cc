"""TF-IDF against Keras's TextVectorization and scikit-learn's TfidfVectorizer."""

from __future__ import annotations

import itertools
import re
import string

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import MultiLabelBinarizer

from components.transform.ngrams import split_words
from schema import names
from tests.support.transform_graph import LABELS, make_texts

SOME, ALL = 17, 10_000


@pytest.mark.parametrize(
    ("max_tokens", "text", "ngrams"),
    [(SOME, "abstract", 2), (ALL, "title_and_abstract", 2), (ALL, "abstract", 4)],
)
def test_keras_weighting_equals_text_vectorization(analyse, max_tokens, text, ngrams):
    analysis = analyse(max_tokens, text, ngrams=ngrams)
    oracle = keras.layers.TextVectorization(
        max_tokens=max_tokens, ngrams=ngrams, output_mode="tf_idf", pad_to_max_tokens=False
    )
    oracle.adapt(tf.data.Dataset.from_tensor_slices(analysis.texts).batch(16))
    expected = np.asarray(oracle(tf.constant(analysis.texts)))

    assert analysis.ngrams == [word.encode() for word in oracle.get_vocabulary()]
    size = analysis.output.transformed_feature_spec()[names.TFIDF].size
    assert list(size) == [expected.shape[1]]
    np.testing.assert_allclose(analysis.matrix(names.TFIDF), expected, rtol=1e-6, atol=0)

    known = keras.layers.TextVectorization(
        ngrams=ngrams, output_mode="count", vocabulary=oracle.get_vocabulary()[1:]
    )
    counts = np.asarray(known(tf.constant(analysis.texts)))
    shares = counts[:, 1:].sum(axis=1) / np.maximum(counts.sum(axis=1), 1)
    assert 0 in shares
    np.testing.assert_allclose(analysis.features[names.KNOWN_SHARE], shares, rtol=1e-6)


def test_the_cut_falls_inside_a_tie():
    """The size above is chosen for this: equal counts on both sides of the cut."""
    texts = make_texts(60, seed=SOME)
    oracle = keras.layers.TextVectorization(ngrams=2, output_mode="count")
    oracle.adapt(tf.constant(texts))
    counts = np.asarray(oracle(tf.constant(texts))).sum(axis=0)
    # Columns 1 to 16 fit into 17 tokens; 17 is the first left out.
    assert counts[SOME - 1] == counts[SOME]


@pytest.mark.parametrize(("punctuation", "idf_power"), [("remove", 1.0), ("split", 0.5)])
def test_sublinear_weighting_equals_scikit_learn(analyse, punctuation, idf_power):
    analysis = analyse(40, "abstract", "sublinear_l2", punctuation=punctuation, idf_power=idf_power)
    vocabulary = [ngram.decode() for ngram in analysis.ngrams]
    marks = str.maketrans(dict.fromkeys(string.punctuation, " " if punctuation == "split" else ""))
    lower = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

    def analyzer(text):
        plain = text.translate(lower).translate(marks)
        words = [word for word in re.split("[ \t\n\v\f\r]+", plain) if word]
        return words + [" ".join(pair) for pair in itertools.pairwise(words)]

    oracle = TfidfVectorizer(
        analyzer=analyzer, vocabulary=vocabulary[1:], sublinear_tf=True, dtype=np.float64
    )
    oracle.fit(analysis.abstracts)
    oracle.idf_ = oracle.idf_**idf_power
    expected = scipy.sparse.csr_matrix(oracle.transform(analysis.abstracts)).toarray()
    found = analysis.matrix(names.TFIDF)
    assert not found[:, 0].any()
    np.testing.assert_allclose(found[:, 1:], expected, rtol=2e-6, atol=1e-7)
    ngrams = [analyzer(text) for text in analysis.abstracts]
    shares = [sum(each in vocabulary for each in row) / max(len(row), 1) for row in ngrams]
    assert 0 < np.mean(shares) < 1
    np.testing.assert_allclose(analysis.features[names.KNOWN_SHARE], shares, rtol=1e-6)


def test_split_punctuation_separates_words():
    """The oracle uses our vocabulary, so this looks at the words."""
    text = tf.constant(["l2-norm X_1"])
    assert split_words(text, "remove").to_list() == [[b"l2norm", b"x1"]]
    assert split_words(text, "split").to_list() == [[b"l2", b"norm", b"x", b"1"]]


def test_labels_equal_multi_label_binarizer(analyse):
    analysis = analyse(SOME, "abstract")
    vocabulary = analysis.labels
    found = analysis.matrix(names.LABELS)
    oracle = MultiLabelBinarizer(classes=vocabulary)
    np.testing.assert_array_equal(found, oracle.fit_transform(analysis.terms))
    assert sorted(vocabulary) == sorted(LABELS)
    frequencies = found.sum(axis=0)
    assert (np.diff(frequencies) <= 0).all()
    assert not np.any(analysis.features[names.UNKNOWN_LABELS])


def test_labels_outside_the_vocabulary_are_counted(analyse):
    analysis = analyse(SOME, "abstract")
    terms = tf.sparse.from_dense([["cs.LG", "new", "newer"], ["68T45", "", ""], ["", "", ""]])
    # The second one is in the vocabulary, as that of an earlier model may be.
    left_out = tf.sparse.from_dense([["rare", ""], ["", "stat.ML"], ["", ""]])
    raw = {names.TERMS: terms, names.LEFT_OUT_TERMS: left_out}
    found = analysis.output.transform_features_layer()(raw)
    np.testing.assert_array_equal(found[names.UNKNOWN_LABELS], [3, 0, 0])
    expected = np.zeros((3, len(LABELS)))
    expected[1, analysis.labels.index(b"stat.ML")] = 1
    expected[0, analysis.labels.index(b"cs.LG")] = 1
    expected[1, analysis.labels.index(b"68T45")] = 1
    np.testing.assert_array_equal(tf.sparse.to_dense(found[names.LABELS]), expected)
