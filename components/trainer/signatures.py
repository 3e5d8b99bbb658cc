"""The signatures of the SavedModel: from raw text or raw examples to suggestions.

Everything in them is a TensorFlow core op, so that the model loads without Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from components.trainer.loss import mean_logits
from components.trainer.model import FIRST_LAYER
from components.trainer.transform_graph import TransformGraph
from schema import names

Tensors = dict[str, tf.Tensor]

_TEXT = tf.TensorSpec([None], tf.string, name=names.INPUT_TEXT)
_EXAMPLES = tf.TensorSpec([None], tf.string, name=names.INPUT_EXAMPLES)


def _as_function(model: keras.Model) -> Callable[[tf.SparseTensor], tf.Tensor]:
    first = model.get_layer(FIRST_LAYER)
    upper = keras.Model(first.output, model.output)

    def logits(rows: tf.SparseTensor) -> tf.Tensor:
        # Without the padding that the model takes.
        of_row, ids = tf.unstack(rows.indices, axis=1)
        hidden = first.multiply(of_row, ids, rows.values, rows.dense_shape[0])
        return mean_logits(upper(hidden, training=False))

    return logits


def _parse_texts(examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the titles and abstracts of serialized raw examples, string [n] each."""
    # A portal may leave out the title, so missing features read as empty text.
    text = tf.io.FixedLenFeature([], tf.string, default_value="")
    raw = tf.io.parse_example(examples, {names.TITLES: text, names.SUMMARIES: text})
    return raw[names.TITLES], raw[names.SUMMARIES]


class ServedTagger(tf.Module):
    """A trained model with its text vectorization, ready to be saved and served."""

    def __init__(
        self,
        model: keras.Model,
        transform: TransformGraph,
        labels: Sequence[str],
        threshold: float,
        top_k: int,
    ) -> None:
        """Puts the parts together.

        Args:
            model: Of `build_model`.
            transform: The transform graph.
            labels: The label vocabulary, in the order of the model's outputs.
            threshold: The minimum probability to suggest a label.
            top_k: Labels in an answer; capped at L.
        """
        super().__init__()
        # The plain variables, and the model only inside a function: saved through Keras's own
        # variables, each would be in the graph twice, and TensorFlow's C++ loader (which is
        # TF Serving's) would restore the one that no signature reads. This also leaves out the
        # optimizer, whose slots would triple the size of the SavedModel.
        self._weights = [variable.value for variable in model.weights]
        self._logits = _as_function(model)
        self._transform = transform
        self._labels = tf.constant(list(labels))
        self._threshold = tf.constant(threshold, tf.float32)
        self._top_k = min(top_k, len(labels))

    def probabilities(self, titles: tf.Tensor, abstracts: tf.Tensor) -> tf.Tensor:
        """Computes the probability of every label, float32 [n, L]."""
        raw = {names.TITLES: titles, names.SUMMARIES: abstracts}
        rows = self._transform(raw, [names.TFIDF])[names.TFIDF]
        return tf.sigmoid(tf.cast(self._logits(rows), tf.float32))

    def best_labels(self, probabilities: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns labels, scores and whether each is suggested, [n, k] each, best first."""
        scores, columns = tf.math.top_k(probabilities, self._top_k)
        return tf.gather(self._labels, columns), scores, scores >= self._threshold

    def probabilities_of_text(self, text: tf.Tensor) -> tf.Tensor:
        """Computes the probability of every label for texts, string [n]."""
        return self.probabilities(tf.zeros_like(text), text)

    def suggested(self, probabilities: tf.Tensor) -> tf.Tensor:
        """Returns 1 where a label is suggested, else 0, float32 [n, L]."""
        return tf.cast(probabilities >= self._threshold, tf.float32)

    @tf.function(input_signature=[_TEXT])
    def suggest(self, text: tf.Tensor) -> Tensors:
        """`serving_default`: labels, scores and whether each is suggested, [n, k]."""
        labels, scores, suggested = self.best_labels(self.probabilities_of_text(text))
        return {
            names.OUTPUT_LABELS: labels,
            names.OUTPUT_SCORES: scores,
            names.OUTPUT_SUGGESTED: suggested,
        }

    @tf.function(input_signature=[_EXAMPLES])
    def classify(self, inputs: tf.Tensor) -> Tensors:
        """`classify`: classes and scores, [n, k], as TF Serving's Classify API wants them."""
        labels, scores, _ = self.best_labels(self.probabilities(*_parse_texts(inputs)))
        return {names.OUTPUT_CLASSES: labels, names.OUTPUT_SCORES: scores}

    @tf.function(input_signature=[_TEXT])
    def all_probabilities(self, text: tf.Tensor) -> Tensors:
        """`probabilities`: every label's, [n, L], in the order of the label vocabulary."""
        return {names.OUTPUT_PROBABILITIES: self.probabilities_of_text(text)}

    @tf.function(input_signature=[_EXAMPLES])
    def evaluate(self, inputs: tf.Tensor) -> Tensors:
        """`evaluate`: probabilities and suggestions (0 or 1) of raw examples, [n, L] each.

        And the same for the abstracts alone, as from a portal that sends no titles.
        """
        titles, abstracts = _parse_texts(inputs)
        probabilities = self.probabilities(titles, abstracts)
        abstract_only = self.probabilities_of_text(abstracts)
        return {
            names.OUTPUT_PROBABILITIES: probabilities,
            names.OUTPUT_SUGGESTED: self.suggested(probabilities),
            names.OUTPUT_ABSTRACT_ONLY_PROBABILITIES: abstract_only,
            names.OUTPUT_ABSTRACT_ONLY_SUGGESTED: self.suggested(abstract_only),
        }

    @tf.function(input_signature=[_EXAMPLES])
    def transform_features(self, inputs: tf.Tensor) -> Tensors:
        """`transform_features`: the true labels of raw examples.

        Multi-hot float32 [n, L], and the number of true labels outside the vocabulary,
        int64 [n].
        """
        labels = (names.TERMS, names.LEFT_OUT_TERMS)
        raw = tf.io.parse_example(inputs, dict.fromkeys(labels, tf.io.VarLenFeature(tf.string)))
        transformed = self._transform(raw, [names.LABELS, names.UNKNOWN_LABELS])
        return {
            names.LABELS: tf.sparse.to_dense(transformed[names.LABELS]),
            names.UNKNOWN_LABELS: transformed[names.UNKNOWN_LABELS],
        }

    def signatures(self) -> dict[str, Any]:
        """Returns the traced function of every signature."""
        return {
            names.SIGNATURE_DEFAULT: self.suggest,
            names.SIGNATURE_CLASSIFY: self.classify,
            names.SIGNATURE_PROBABILITIES: self.all_probabilities,
            names.SIGNATURE_EVALUATE: self.evaluate,
            names.SIGNATURE_TRANSFORM: self.transform_features,
        }
