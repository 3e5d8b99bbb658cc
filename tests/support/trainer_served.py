"""A real transform graph with an untrained network on it, for the tests of what is served."""

from __future__ import annotations

import functools

import keras
import numpy as np
import tensorflow as tf

from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.settings import TrainerSettings
from components.trainer.signatures import ServedTagger
from components.trainer.transform_graph import TransformGraph
from schema import names
from tests.support.transform_graph import LABELS, Analysis

TOP_K = 3


class Parts:
    """What a served model is made of, and what it must answer.

    Attributes:
        analysis: Papers and their transform graph.
        model: The network, with an optimizer as after a training.
        papers: Positions of those papers that all read differently.
        titles: Their titles; some are empty.
        abstracts: Their abstracts.
        texts: Title and abstract in one.
    """

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        settings = TrainerSettings(hidden_units=(16, 8), dropout=0.5)
        self.model = build_model(len(analysis.ngrams), len(LABELS), settings)
        optimizer = make_optimizer(settings, steps_per_epoch=1)
        compile_model(self.model, optimizer)
        optimizer.build(self.model.trainable_variables)
        dice = np.random.default_rng(3)
        # An untrained network says one half of everything; this one has opinions.
        self.model.set_weights(
            [dice.normal(0, 0.4, weights.shape) for weights in self.model.get_weights()]
        )
        first = {row.tobytes(): i for i, row in enumerate(analysis.matrix(names.TFIDF))}
        self.papers = sorted(first.values())[-30:]
        self.titles = [analysis.titles[i] for i in self.papers]
        self.abstracts = [analysis.abstracts[i] for i in self.papers]
        self.texts = [analysis.texts[i] for i in self.papers]

    def tagger(self, threshold: float = 0.5, top_k: int = TOP_K) -> ServedTagger:
        """The served model; two of them share the network."""
        graph = TransformGraph(self.analysis.output.transform_savedmodel_dir)
        return ServedTagger(self.model, graph, self.analysis.labels, threshold, top_k)

    def transformed_probabilities(self) -> np.ndarray:
        """The network on the transformed papers, as it is trained, [30, L]."""
        rows = self.analysis.features[names.TFIDF]
        of_row, ids = tf.unstack(rows.indices, axis=1)
        ids, weights = (
            tf.RaggedTensor.from_value_rowids(each, of_row, rows.dense_shape[0]).to_tensor()
            for each in (ids, rows.values)
        )
        logits = self.model({names.MODEL_IDS: ids, names.MODEL_WEIGHTS: weights}, training=False)
        return tf.sigmoid(logits).numpy()[self.papers]

    @functools.cached_property
    def _vectorize(self) -> keras.layers.TextVectorization:
        layer = keras.layers.TextVectorization(
            ngrams=2, output_mode="tf_idf", pad_to_max_tokens=False
        )
        layer.adapt(tf.constant(self.analysis.texts))
        return layer

    def oracle(self, texts: list[str]) -> np.ndarray:
        """Keras's text vectorization and plain matrix products: none of our code, [n, L]."""
        values = np.asarray(self._vectorize(tf.constant(texts)), np.float64)
        *hidden, (kernel, bias) = zip(*[iter(self.model.get_weights())] * 2, strict=True)
        for weights, offset in hidden:
            values = np.maximum(values @ weights + offset, 0)
        return 1 / (1 + np.exp(-(values @ kernel + bias)))
