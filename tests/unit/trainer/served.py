"""A real transform graph with an untrained network on it, for the tests of what is served."""

from __future__ import annotations

import random
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from components.trainer.batches import pad_rows
from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.settings import TrainerSettings
from components.trainer.signatures import ServedTagger
from components.transform.settings import FeatureSettings
from schema import names
from schema.text import join_title_and_abstract
from tests.support.transform_graph import Transformed, transform

WORDS = ["Deep", "nets", "graph,", "kernel", "ünïcode", "ÜBER", "l2-norm", "x_1", "$\\alpha$", "a"]
LABELS = [b"cs.LG", b"cs.CV", b"stat.ML", b"68T45", b"I.2.6; I.2.10", "größe".encode()]
SETTINGS = FeatureSettings(text="title_and_abstract", max_tokens=60, weighting="keras")
TOP_K = 3


def _draw(count: int, longest: int, seed: int) -> list[str]:
    dice = random.Random(seed)
    return [" ".join(dice.choices(WORDS, k=dice.randint(1, longest))) for _ in range(count)]


TITLES = ["", *_draw(29, 4, seed=1)]
ABSTRACTS = _draw(30, 20, seed=2)
TEXTS = [join_title_and_abstract(*paper) for paper in zip(TITLES, ABSTRACTS, strict=True)]
TERMS = [random.Random(i).sample(LABELS, k=1 + i % 3) for i in range(30)]


class Parts:
    """What the served model is made of, and what it must answer."""

    def __init__(self, folder: Path) -> None:
        self.transformed: Transformed = transform(TITLES, ABSTRACTS, TERMS, SETTINGS, folder)
        columns = len(self.transformed.ngrams)
        settings = TrainerSettings(hidden_units=(16, 8), dropout=0.5)
        self.model = build_model(columns, len(LABELS), settings)
        optimizer = make_optimizer(settings, steps_per_epoch=1)
        compile_model(self.model, optimizer)
        optimizer.build(self.model.trainable_variables)
        dice = np.random.default_rng(3)
        # An untrained network says one half of everything; this one has opinions.
        self.model.set_weights(
            [dice.normal(0, 0.4, weights.shape) for weights in self.model.get_weights()]
        )

    def tagger(self, threshold: float = 0.5, top_k: int = TOP_K) -> ServedTagger:
        """The served model; two of them share the network."""
        layer = self.transformed.output.transform_features_layer()
        return ServedTagger(self.model, layer, self.transformed.labels, threshold, top_k)

    def transformed_probabilities(self) -> np.ndarray:
        """The network on the transformed papers, as it is trained, [30, L]."""
        ids, weights = pad_rows(self.transformed.features[names.TFIDF])
        logits = self.model({names.MODEL_IDS: ids, names.MODEL_WEIGHTS: weights}, training=False)
        return tf.sigmoid(logits).numpy()

    def oracle(self, texts: list[str]) -> np.ndarray:
        """Keras's text vectorization and plain matrix products: none of our code, [n, L]."""
        vectorize = keras.layers.TextVectorization(
            max_tokens=SETTINGS.max_tokens, ngrams=2, output_mode="tf_idf", pad_to_max_tokens=False
        )
        vectorize.adapt(tf.constant(TEXTS))
        values = np.asarray(vectorize(tf.constant(texts)), np.float64)
        *hidden, (kernel, bias) = zip(*[iter(self.model.get_weights())] * 2, strict=True)
        for weights, offset in hidden:
            values = np.maximum(values @ weights + offset, 0)
        return 1 / (1 + np.exp(-(values @ kernel + bias)))


def example(**features: list[bytes]) -> bytes:
    """A serialized tf.Example with bytes features."""
    encoded = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        for name, values in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=encoded)).SerializeToString()
