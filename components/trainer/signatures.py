"""The signatures of the SavedModel: from raw text or raw examples to suggestions.

Everything in them is a TensorFlow core op, so that the model loads without Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from components.trainer.explanation import make_functions
from components.trainer.input_pipeline import pad
from components.trainer.transform_graph import TransformGraph
from schema import names

Tensors = dict[str, tf.Tensor]

_TEXT = tf.TensorSpec([None], tf.string, name=names.INPUT_TEXT)
_EXAMPLES = tf.TensorSpec([None], tf.string, name=names.INPUT_EXAMPLES)


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
        is_ours: bool = True,
    ) -> None:
        """Puts the parts together.

        Args:
            model: Of `build_network`.
            transform: The transform graph.
            labels: The label vocabulary, in the order of the model's outputs.
            threshold: The minimum probability to suggest a label.
            top_k: Labels in an answer; capped at L.
            is_ours: Whether the network is of `build_model`; others can't be explained.
        """
        super().__init__()
        # The plain variables, and the model only inside a function: saved through Keras's own
        # variables, each would be in the graph twice, and TensorFlow's C++ loader (which is
        # TF Serving's) would restore the one that no signature reads. This also leaves out the
        # optimizer, whose slots would triple the size of the SavedModel.
        self._weights = [variable.value for variable in model.weights]
        ours = {names.MODEL_IDS: names.TFIDF, names.MODEL_WEIGHTS: names.TFIDF}
        self._read = sorted({ours.get(name, name) for name in model.input})
        # It says something of our n-grams only.
        knows = transform.features >= {names.TFIDF, names.KNOWN_SHARE}
        self._shares = [names.KNOWN_SHARE] if knows else []
        self._logits: Callable[[Tensors], tf.Tensor] = lambda features: model(
            {name: pad(features)[name] for name in model.input}, training=False
        )
        if is_ours:
            logits, self._explain = make_functions(model)
            self._logits = lambda features: logits(features[names.TFIDF])
        self._explains = is_ours and transform.ngrams is not None
        if self._explains:
            # Here, since TensorFlow saves every method that is a function of its own.
            self.explain = tf.function(self._answer_with_reasons, input_signature=[_TEXT])
        self._transform = transform
        self._labels = tf.constant(list(labels))
        self._threshold = tf.constant(threshold, tf.float32)
        self._top_k = min(top_k, len(labels))

    def read(self, titles: tf.Tensor, abstracts: tf.Tensor) -> tuple[Tensors, Tensors]:
        """Returns what the network reads, and `known_share`, float32 [n], where it is known."""
        raw = {names.TITLES: titles, names.SUMMARIES: abstracts}
        features = self._transform(raw, [*self._read, *self._shares])
        return features, {name: features.pop(name) for name in self._shares}

    def score(self, titles: tf.Tensor, abstracts: tf.Tensor) -> tuple[tf.Tensor, Tensors]:
        """Returns the probability of every label, float32 [n, L], and `known_share` as `read`."""
        features, known = self.read(titles, abstracts)
        return tf.sigmoid(tf.cast(self._logits(features), tf.float32)), known

    def best_labels(self, probabilities: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns columns and scores, [n, k] each, best first."""
        scores, columns = tf.math.top_k(probabilities, self._top_k)
        return columns, scores

    def _suggested(self, scores: tf.Tensor, known: Tensors) -> tf.Tensor:
        """Returns which labels are suggested, bool: none where nothing of the text is known."""
        suggested = scores >= self._threshold
        for share in known.values():
            suggested &= (share > 0)[:, tf.newaxis]
        return suggested

    def _answer(self, columns: tf.Tensor, scores: tf.Tensor, known: Tensors) -> Tensors:
        return {
            names.OUTPUT_LABELS: tf.gather(self._labels, columns),
            names.OUTPUT_SCORES: scores,
            names.OUTPUT_SUGGESTED: self._suggested(scores, known),
            **known,
        }

    @tf.function(input_signature=[_TEXT])
    def suggest(self, text: tf.Tensor) -> Tensors:
        """`serving_default`: labels, scores and whether each is suggested, [n, k].

        And the share of the text's n-grams that are in the vocabulary, [n].
        """
        probabilities, known = self.score(tf.zeros_like(text), text)
        return self._answer(*self.best_labels(probabilities), known)

    def _answer_with_reasons(self, text: tf.Tensor) -> Tensors:
        """`explain`: what `serving_default` says, and what the logits are the sum of.

        These are `contributions`, [n, k, m], of the n-grams in `ngrams`, positive ones first, then
        negative ones, padded with 0 and ""; the `rest` of the n-grams, [n, k]; and `bias`, [n, k].
        """
        most = names.MOST_EXPLAINED
        tf.debugging.assert_less_equal(
            tf.size(text), most, f"`explain` takes at most {most} texts at once."
        )
        features, known = self.read(tf.zeros_like(text), text)
        columns, found = self._explain(features[names.TFIDF], self._top_k)
        assert self._transform.ngrams is not None, "else there is no `explain`"
        ngrams = self._transform.ngrams.lookup(found[names.OUTPUT_NGRAMS])
        found[names.OUTPUT_NGRAMS] = tf.where(found[names.OUTPUT_CONTRIBUTIONS] == 0, "", ngrams)
        return found | self._answer(columns, tf.sigmoid(found[names.OUTPUT_LOGITS]), known)

    @tf.function(input_signature=[_EXAMPLES])
    def classify(self, inputs: tf.Tensor) -> Tensors:
        """`classify`: classes and scores, [n, k], as TF Serving's Classify API wants them."""
        probabilities, _ = self.score(*_parse_texts(inputs))
        columns, scores = self.best_labels(probabilities)
        labels = tf.gather(self._labels, columns)
        return {names.OUTPUT_CLASSES: labels, names.OUTPUT_SCORES: scores}

    @tf.function(input_signature=[_TEXT])
    def all_probabilities(self, text: tf.Tensor) -> Tensors:
        """`probabilities`: every label's, [n, L], in the order of the label vocabulary."""
        probabilities, _ = self.score(tf.zeros_like(text), text)
        return {names.OUTPUT_PROBABILITIES: probabilities}

    @tf.function(input_signature=[_EXAMPLES])
    def evaluate(self, inputs: tf.Tensor) -> Tensors:
        """`evaluate`: probabilities and suggestions (0 or 1) of raw examples, [n, L] each.

        And their known shares, [n], and the same for the abstracts alone, as from a portal that
        sends no titles.
        """
        titles, abstracts = _parse_texts(inputs)
        outputs: Tensors = {}
        for prefix, of in (("", titles), (names.OUTPUT_ABSTRACT_ONLY, tf.zeros_like(titles))):
            probabilities, known = self.score(of, abstracts)
            suggested = tf.cast(self._suggested(probabilities, known), tf.float32)
            outputs[prefix + names.OUTPUT_PROBABILITIES] = probabilities
            outputs[prefix + names.OUTPUT_SUGGESTED] = suggested
            outputs |= {prefix + name: share for name, share in known.items()}
        return outputs

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

    @property
    def lacks(self) -> set[str]:
        """The signatures and outputs that it hasn't, since not all that it is made of is ours."""
        has = {*self._shares, *self.signatures()}
        return {names.SIGNATURE_EXPLAIN, names.OUTPUT_KNOWN_SHARE} - has

    def signatures(self) -> dict[str, Any]:
        """Returns the traced function of every signature."""
        return {
            names.SIGNATURE_DEFAULT: self.suggest,
            **({names.SIGNATURE_EXPLAIN: self.explain} if self._explains else {}),
            names.SIGNATURE_CLASSIFY: self.classify,
            names.SIGNATURE_PROBABILITIES: self.all_probabilities,
            names.SIGNATURE_EVALUATE: self.evaluate,
            names.SIGNATURE_TRANSFORM: self.transform_features,
        }
