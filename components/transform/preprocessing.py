"""What Transform computes: a paper's weighted n-grams, its multi-hot labels, and its key."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.own_parts import blamed_on, load_function
from components.papers.paper_keys import hash_keys
from components.transform.ngrams import hash_ngrams, hash_words, join_texts, split_words
from components.transform.settings import FeatureSettings
from components.transform.vocabulary import analyze_ngrams, look_up_ngrams
from components.transform.weighting import weigh_counts
from schema import names
from schema.errors import UsageError


def preprocessing_fn(
    inputs: dict[str, Any], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor | tf.SparseTensor]:
    """Transforms raw papers; TFX calls it by import path.

    Args:
        inputs: `titles` and `summaries`, string [n]; `terms` and `left_out_terms`, sparse string
            [n, labels].
        custom_config: `settings`, the FeatureSettings as JSON; `by_title`, how papers are
            identified (see `hash_keys`).

    Returns:
        `tfidf` float32 sparse [n, V], `labels` float32 sparse multi-hot [n, L],
        `unknown_labels` int64 [n], the number of labels outside the vocabulary, `known_share`
        float32 [n], the share of the text's n-grams in the vocabulary, and `paper_key` int64 [n],
        a number that identifies the paper. A function of the profile's own
        (`features.preprocessing_fn`) returns other features beside `labels`, `unknown_labels` and
        `paper_key`.

    Raises:
        UsageError: It fails, or returns something else.
    """
    settings = FeatureSettings.model_validate_json(custom_config["settings"])
    path = settings.preprocessing_fn
    if path is None:
        tfidf, known_share = vectorize(inputs[names.TITLES], inputs[names.SUMMARIES], settings)
        truth = encode_truth(inputs, custom_config)
        return {names.TFIDF: tfidf, names.KNOWN_SHARE: known_share, **truth}
    with blamed_on("features.preprocessing_fn", path):
        features = dict(load_function("features.preprocessing_fn", path)(inputs, custom_config))
        wrong = {name for name, each in features.items() if each.shape.rank == 0}
    kinds = dict.fromkeys((names.UNKNOWN_LABELS, names.PAPER_KEY), tf.Tensor)
    kinds[names.LABELS] = tf.SparseTensor
    wrong |= {name for name, kind in kinds.items() if not isinstance(features.get(name), kind)}
    if wrong:
        raise UsageError(
            f"features.preprocessing_fn: {path} returns no {', '.join(sorted(wrong))}, or not in "
            f"the right form: a row for each text, and {', '.join(kinds)} as "
            f"{encode_truth.__module__}.{encode_truth.__name__} returns them"
        )
    return features


def encode_truth(
    inputs: dict[str, Any], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor | tf.SparseTensor]:
    """Returns `labels`, `unknown_labels` and `paper_key` of what `preprocessing_fn` takes."""
    labels, unknown_labels = encode_labels(inputs[names.TERMS], inputs[names.LEFT_OUT_TERMS])
    return {
        names.LABELS: labels,
        names.UNKNOWN_LABELS: unknown_labels,
        names.PAPER_KEY: hash_keys(
            inputs[names.TITLES], inputs[names.SUMMARIES], custom_config["by_title"]
        ),
    }


def vectorize(
    titles: tf.Tensor, abstracts: tf.Tensor, settings: FeatureSettings
) -> tuple[tf.SparseTensor, tf.Tensor]:
    """Computes the TF-IDF weights of texts, and the share of their n-grams that is known.

    Returns:
        float32 sparse [n, V] and float32 [n]; a text without a word has the share 0.
    """
    texts = abstracts if settings.input == "abstract" else join_texts(titles, abstracts)
    words = split_words(texts, settings.punctuation, settings.standardize)
    vocabulary = analyze_ngrams(
        words, settings.ngrams, settings.max_tokens, settings.weighting, settings.idf_power
    )
    hashes, counted = hash_ngrams(words.with_values(hash_words(words.values)), settings.ngrams)
    found = look_up_ngrams(hashes, vocabulary)
    if settings.weighting == "sublinear_l2":
        # Left out before they are counted and sorted.
        counted &= found.columns > 0
    kept = tf.where(counted)
    rows = tf.gather(words.value_rowids(), kept[:, 1])
    counts = _count(rows, tf.gather_nd(found.columns, kept), [words.nrows(), found.size])
    weights = weigh_counts(counts, found.idf.lookup(counts.indices[:, 1]), settings.weighting)
    tft.experimental.annotate_sparse_output_shape(weights, found.size)
    known = counts.values
    if settings.weighting == "keras":
        known = tf.where(counts.indices[:, 1] > 0, known, 0)
    sums = tf.math.unsorted_segment_sum(known, counts.indices[:, 0], words.nrows())
    return weights, _share(sums, words.row_lengths(), settings.ngrams)


def encode_labels(
    terms: tf.SparseTensor, left_out: tf.SparseTensor
) -> tuple[tf.SparseTensor, tf.Tensor]:
    """Encodes labels against the vocabulary of the training labels, most frequent first.

    Labels that are left out are not in the vocabulary, unless the model is of an earlier run.

    Returns:
        Multi-hot float32 sparse [n, L], and the number of labels outside the vocabulary,
        int64 [n].
    """
    vocabulary = tft.vocabulary(terms, vocab_filename=names.LABEL_VOCABULARY)
    every = tf.sparse.concat(1, [terms, left_out])
    ids = tft.apply_vocabulary(every, vocabulary, default_value=-1)
    rows, papers = ids.indices[:, 0], ids.dense_shape[0]
    known = tf.where(ids.values >= 0)[:, 0]
    size = tft.experimental.get_vocabulary_size_by_name(names.LABEL_VOCABULARY)
    counts = _count(tf.gather(rows, known), tf.gather(ids.values, known), [papers, size])
    labels = tf.SparseTensor(
        counts.indices, tf.ones_like(counts.values, tf.float32), counts.dense_shape
    )
    tft.experimental.annotate_sparse_output_shape(labels, size)
    unknown = tf.math.unsorted_segment_sum(tf.cast(ids.values < 0, tf.int64), rows, papers)
    return labels, unknown


def _share(known: tf.Tensor, words: tf.Tensor, longest: int) -> tf.Tensor:
    """Returns the share of known n-grams, with repeats, in texts of so many words, float32 [n]."""
    every = words
    for less in range(1, longest):
        every += tf.maximum(words - less, 0)
    return tf.math.divide_no_nan(tf.cast(known, tf.float32), tf.cast(every, tf.float32))


def _count(rows: tf.Tensor, columns: tf.Tensor, shape: list[tf.Tensor]) -> tf.SparseTensor:
    """Counts the columns of each row: int64 sparse of the shape, sorted by row, then column."""
    shape = tf.cast(tf.stack(shape), tf.int64)
    counts = tf.raw_ops.SparseCountSparseOutput(
        indices=tf.stack([rows, tf.zeros_like(rows)], axis=1),
        values=columns,
        # The op takes no batch without a row; one more, which is empty, counts nothing.
        dense_shape=shape + tf.constant([1, 0], tf.int64),
        weights=tf.zeros([0], tf.int64),
        binary_output=False,
    )
    return tf.SparseTensor(counts.output_indices, counts.output_values, shape)
