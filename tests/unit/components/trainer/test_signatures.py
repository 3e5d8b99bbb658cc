"""The signatures' answers against the network on transformed papers and against Keras."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.support.saved_models import feature_example
from tests.support.trainer_served import TOP_K
from tests.support.transform_graph import LABELS

EMPTY = tf.constant([], tf.string)
ODD_TEXTS = ["", "!!!", " \n ", "deep", "naïve Bayes\nover two lines", "机器学习 nets", "a a a a"]


@pytest.fixture(scope="module")
def expected(parts):
    """The probabilities of the 30 papers."""
    return parts.oracle(parts.texts)


def probabilities(tagger, texts):
    return tagger.all_probabilities(tf.constant(texts))["probabilities"].numpy()


def best(probabilities, k=TOP_K):
    """The k best columns, and their probabilities, by numpy."""
    order = np.argsort(-probabilities, axis=1)[:, :k]
    return order, np.take_along_axis(probabilities, order, axis=1)


def of_papers(titles, abstracts):
    papers = zip(titles, abstracts, strict=True)
    return tf.constant([feature_example(titles=[one], summaries=[two]) for one, two in papers])


def test_the_papers_have_distinct_answers(parts, expected):
    """Otherwise the comparisons below would prove little."""
    assert len(np.unique(expected.round(4), axis=0)) == len(parts.texts)
    assert 0.2 < (expected >= 0.5).mean() < 0.8
    order, _ = best(expected)
    assert len(np.unique(order, axis=0)) > 10


def test_no_skew_between_transformed_papers_and_raw_text(parts, tagger, expected):
    found = probabilities(tagger, parts.texts)
    np.testing.assert_allclose(found, parts.transformed_probabilities(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_odd_texts_are_read_as_keras_reads_them(parts, tagger):
    found = probabilities(tagger, ODD_TEXTS)
    np.testing.assert_allclose(found, parts.oracle(ODD_TEXTS), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found[0], found[1])


def test_a_text_of_a_megabyte_is_read_to_its_end(parts, tagger):
    long = "deep nets " * 100_000 + "kernel"
    cut = long.removesuffix("kernel")
    found = tagger.suggest(tf.constant([long, cut]))
    assert found["labels"].shape == (2, TOP_K)
    assert np.isfinite(found["scores"]).all()
    counts = parts.analysis.output.transform_features_layer()(
        {"titles": tf.constant(["", ""]), "summaries": tf.constant([long, cut])}
    )["tfidf"]
    # The last word alone makes a column differ.
    kernel = parts.analysis.ngrams.index(b"kernel")
    assert (tf.sparse.to_dense(counts).numpy()[:, kernel] > 0).tolist() == [True, False]


def test_invalid_utf_8_reads_as_an_unknown_word(tagger):
    found = probabilities(tagger, [b"deep nets \xff\xfe graph", b"deep nets unheardof graph"])
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-6)


def test_suggestions_are_the_best_labels_in_order(parts, tagger, expected):
    found = tagger.suggest(tf.constant(parts.texts))
    order, scores = best(expected)
    np.testing.assert_array_equal(found["labels"], np.array(parts.analysis.labels)[order])
    np.testing.assert_allclose(found["scores"], scores, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found["suggested"], scores >= 0.5)


def test_a_text_of_unknown_words_gets_no_suggestion(parts):
    """Whatever the scores; `evaluate` follows the same rule."""
    tagger = parts.tagger(threshold=0.0)
    texts = tf.constant(["", "!!!", "unheardof", "unheardof kernel"])
    for signature in (tagger.suggest, tagger.explain):
        found = signature(texts)
        np.testing.assert_allclose(found["known_share"], [0, 0, 0, 1 / 3], rtol=1e-6)
        np.testing.assert_array_equal(found["suggested"], [3 * [False]] * 3 + [3 * [True]])
    # The title alone holds a known word, or the abstract alone, or none.
    evaluated = tagger.evaluate(of_papers(["kernel", "new", "new"], ["new", "kernel", "new"]))
    for prefix, known in (("", [1, 1, 0]), ("abstract_only_", [0, 1, 0])):
        suggested = evaluated[f"{prefix}suggested"].numpy()
        np.testing.assert_array_equal(suggested, np.repeat([known], len(LABELS), axis=0).T)
        np.testing.assert_array_equal(evaluated[f"{prefix}known_share"].numpy() > 0, known)


def test_explanations_name_the_words_of_the_suggestions(parts, tagger):
    texts = tf.constant([*parts.texts, "unheardof nets", "a a a a"])
    found, suggested = tagger.explain(texts), tagger.suggest(texts)
    for name in ("labels", "suggested", "known_share"):
        np.testing.assert_array_equal(found[name], suggested[name])
    added, ngrams = found["contributions"].numpy(), found["ngrams"].numpy()
    logits = added.sum(axis=2) + found["rest"] + found["bias"]
    np.testing.assert_allclose(tf.sigmoid(logits), suggested["scores"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(ngrams == b"", added == 0)
    assert (added[..., :5] >= 0).all()
    assert (added[..., 5:] <= 0).all()
    # One column stands for "unheardof" and "unheardof nets".
    assert set(ngrams[-2].ravel()) == {b"", b"[UNK]", b"nets"}
    assert set(ngrams[-1].ravel()) == {b"", b"a", b"a a"}


def test_no_more_texts_are_explained_at_once_than_memory_allows(tagger):
    with pytest.raises(tf.errors.InvalidArgumentError, match="takes at most 256 texts"):
        tagger.explain(tf.fill([257], "kernel"))


def test_a_score_at_the_threshold_is_suggested(parts, tagger):
    text = tf.constant(parts.texts[:1])
    scores = tagger.suggest(text)["scores"].numpy()[0]
    met = parts.tagger(threshold=float(scores[1]))
    assert met.suggest(text)["suggested"].numpy().tolist() == [[True, True, False]]
    evaluated = met.evaluate(of_papers(parts.titles[:1], parts.abstracts[:1]))
    assert evaluated["suggested"].numpy().sum() == 2
    missed = parts.tagger(threshold=float(np.nextafter(scores[1], np.float32(1))))
    assert missed.suggest(text)["suggested"].numpy().tolist() == [[True, False, False]]


def test_top_k_is_capped_at_the_number_of_labels(parts, expected):
    many = parts.tagger(top_k=50)
    found = many.suggest(tf.constant(parts.texts[:4]))
    order, _ = best(expected[:4], k=len(LABELS))
    np.testing.assert_array_equal(found["labels"], np.array(parts.analysis.labels)[order])


def test_examples_with_a_title_are_read_as_title_and_abstract(parts, tagger, expected):
    found = tagger.classify(of_papers(parts.titles, parts.abstracts))
    order, scores = best(expected)
    assert set(found) == {"classes", "scores"}
    np.testing.assert_array_equal(found["classes"], np.array(parts.analysis.labels)[order])
    np.testing.assert_allclose(found["scores"], scores, rtol=0, atol=1e-5)


def test_other_features_are_ignored_and_all_are_optional(parts, tagger):
    abstract = parts.abstracts[:1]
    more = feature_example(summaries=abstract, terms=["cs.LG", "new"], more=["x"])
    given = tf.constant([feature_example(summaries=abstract), more, feature_example(), b""])
    for signature in (tagger.classify, tagger.evaluate):
        for output in signature(given).values():
            np.testing.assert_array_equal(output[0], output[1])
            np.testing.assert_array_equal(output[2], output[3])
    scores = tagger.classify(given)["scores"].numpy()
    empty = tagger.suggest(tf.constant([""]))["scores"].numpy()
    np.testing.assert_allclose(scores[2:3], empty, rtol=0, atol=1e-6)
    assert (scores[0] != scores[2]).any()


def test_invalid_examples_are_refused(tagger):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tagger.classify(tf.constant([b"not an example"]))


def test_evaluate_scores_papers_and_also_their_abstracts_alone(parts, expected):
    tagger = parts.tagger(threshold=0.25)
    found = tagger.evaluate(of_papers(parts.titles, parts.abstracts))
    alone = found["abstract_only_probabilities"]
    for prefix, right in (("", expected), ("abstract_only_", parts.oracle(parts.abstracts))):
        probabilities, suggested = found[f"{prefix}probabilities"], found[f"{prefix}suggested"]
        np.testing.assert_allclose(probabilities, right, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(suggested, (right >= 0.25).astype(np.float32))
        assert suggested.dtype == tf.float32
    untitled = np.array(parts.titles) == ""
    assert 0 < untitled.sum() < len(untitled)
    apart = (alone != found["probabilities"]).numpy()
    assert not apart[untitled].any()
    assert apart[~untitled].any(axis=1).all()
    # As if they had been sent without.
    sent = tagger.evaluate(of_papers([""] * len(parts.titles), parts.abstracts))
    np.testing.assert_array_equal(sent["probabilities"], alone)


def test_true_labels_become_multi_hot_and_unknown_ones_are_counted(parts, tagger):
    given = [[b"cs.LG", b"new"], [b"new", b"newer"], [], [b"68T45", "größe".encode()]]
    examples = [*(feature_example(terms=terms) for terms in given), feature_example()]
    found = tagger.transform_features(tf.constant(examples))
    expected = [[label in terms for label in parts.analysis.labels] for terms in [*given, []]]
    np.testing.assert_array_equal(found["labels"], np.array(expected, np.float32))
    np.testing.assert_array_equal(found["unknown_labels"], [1, 2, 0, 0, 0])


def test_an_empty_batch_has_an_empty_answer(tagger):
    for name, signature in tagger.signatures().items():
        for output, values in signature(EMPTY).items():
            assert values.shape[0] == 0, (name, output)
    assert tagger.suggest(EMPTY)["labels"].shape == (0, TOP_K)
    assert tagger.all_probabilities(EMPTY)["probabilities"].shape == (0, len(LABELS))
    assert tagger.transform_features(EMPTY)["labels"].shape == (0, len(LABELS))
