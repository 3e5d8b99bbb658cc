"""Networks of a profile's own: what they read and return, and how they are served."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.input_pipeline import make_dataset, model_inputs, vocabulary_size
from components.trainer.network import build_network
from components.trainer.settings import TrainerSettings
from components.trainer.signatures import ServedTagger
from components.trainer.transform_graph import TransformGraph
from components.trainer.validation import Predictor
from schema import names
from schema.errors import UsageError
from tests.support.saved_models import feature_example
from tests.support.trainer_papers import LABELS, feature_spec

SPEC = {
    **feature_spec(),
    "length": tf.io.FixedLenFeature([], tf.float32),
    "tokens": tf.io.VarLenFeature(tf.int64),
    "letters": tf.io.RaggedFeature(tf.int64, value_key="letters$values"),
}
WITHOUT_NGRAMS = {name: each for name, each in SPEC.items() if name != names.TFIDF}


def settings(name: str) -> TrainerSettings:
    return TrainerSettings(build_model=f"{__name__}.{name}", optimizer="adam")


def linear(spec, label_count, settings):
    """A linear model on our n-grams: a row of the kernel for each, multiplied by its weight."""
    inputs = model_inputs(spec)
    kernel = keras.layers.Embedding(vocabulary_size(spec), label_count)
    rows = kernel(inputs[names.MODEL_IDS])
    weighted = rows * inputs[names.MODEL_WEIGHTS][:, :, None]
    return keras.Model(
        [inputs[names.MODEL_WEIGHTS], inputs[names.MODEL_IDS]], keras.ops.sum(weighted, axis=1)
    )


class Sums(keras.Model):
    """Without symbolic inputs of its own."""

    def call(self, inputs):
        sums = (keras.ops.sum(inputs[name], axis=1) for name in ("tokens", "letters"))
        every = [inputs["length"], *(keras.ops.cast(each, "float32") for each in sums)]
        return keras.ops.repeat(sum(every)[:, None], LABELS, axis=1)


def subclass(spec, label_count, settings):
    return Sums()


def nothing(spec, label_count, settings):
    return None


def sequential(spec, width, name, end=None):
    return keras.Sequential([keras.Input([1], name=name), keras.layers.Dense(width, end)])


def too_narrow(spec, label_count, settings):
    return sequential(spec, label_count - 1, "length")


def misnamed(spec, label_count, settings):
    return sequential(spec, label_count, "lenght")


def squashed(spec, label_count, settings):
    inputs = keras.Input([1], name="length")
    return keras.Model(inputs, sequential(spec, label_count, "inner", "softmax")(inputs))


def wordy(spec, label_count, settings):
    inputs = keras.Input([1], name="length", dtype="string")
    return keras.Model(inputs, keras.layers.Dense(label_count)(inputs))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "returns no keras.Model, but None"),
        (
            "too_narrow",
            rf"from \['length'\] to \[\(None, {LABELS - 1}\)\].*return \[\(None, {LABELS}",
        ),
        (
            "misnamed",
            r"from \['lenght'\].*features, which are \['ids', 'length', 'letters', 'tokens",
        ),
        ("squashed", "ending in softmax.*without sigmoid or softmax"),
        ("wordy", r"fails with ValueError.*'string' is not a valid dtype.* in .*, line \d"),
    ],
)
def test_what_suits_neither_features_nor_labels_is_refused(name, said):
    with pytest.raises(UsageError, match=rf"trainer.build_model: .*{name}.*{said}"):
        build_network(SPEC, settings(name))


def test_our_network_needs_our_features():
    with pytest.raises(UsageError, match=r"returns no `tfidf`.*trainer\.build_model"):
        build_network(WITHOUT_NGRAMS, TrainerSettings())


def test_features_reach_it_by_name_padded_to_the_longest_row(tmp_path):
    path = tmp_path / "examples.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for length, tokens, letters in ((1.0, (5, 6), ()), (2.0, (), (1, 1, 1)), (4.0, (7,), (3,))):
            example = tf.train.Example()
            example.features.feature["length"].float_list.value.append(length)
            ints = {"tokens": tokens, "letters$values": letters, "labels$sparse_indices_0": [1]}
            for name, values in {**ints, names.UNKNOWN_LABELS: [0]}.items():
                example.features.feature[name].int64_list.value.extend(values)
            writer.write(example.SerializeToString())
    model = build_network(WITHOUT_NGRAMS, settings("subclass"))
    data = make_dataset(
        str(path), WITHOUT_NGRAMS, 3, shuffle=False, seed=0, inputs=model.input,
        include_unknown=True,
    )  # fmt: skip
    ((inputs, truth, _),) = data
    assert inputs["tokens"].numpy().tolist() == [[5, 6], [0, 0], [7, 0]]
    assert inputs["letters"].numpy().tolist() == [[0, 0, 0], [1, 1, 1], [3, 0, 0]]
    assert truth.shape == (3, LABELS)
    found = Predictor(model, data).predict()
    assert found.logits[:, 0].tolist() == [12, 5, 14]
    # Nothing says that a text has no known word.
    assert found.known.all()


def test_on_our_n_grams_it_answers_all_but_why(parts):
    """A linear model by hand, for texts with and without known words."""
    spec = parts.analysis.output.transformed_feature_spec()
    model = build_network(spec, settings("linear"))
    tagger = ServedTagger(
        model,
        TransformGraph(parts.analysis.output.transform_savedmodel_dir),
        parts.analysis.labels,
        threshold=0.5,
        top_k=3,
        is_ours=False,
    )
    assert tagger.lacks == {"explain"}
    assert "explain" not in tagger.signatures()
    (kernel,) = model.get_weights()
    texts = [*parts.texts, "unheardof"]
    features = parts.analysis.output.transform_features_layer()(
        {"titles": tf.fill([len(texts)], ""), "summaries": tf.constant(texts)}
    )
    tfidf = tf.sparse.to_dense(features[names.TFIDF]).numpy()
    expected = tf.sigmoid(tfidf @ kernel).numpy()
    records = tf.constant([feature_example(summaries=[text]) for text in texts])
    found = tagger.evaluate(records)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=0, atol=1e-5)
    known = features[names.KNOWN_SHARE].numpy()[:, None] > 0
    assert known.tolist() == [[True]] * len(parts.texts) + [[False]]
    np.testing.assert_array_equal(found["suggested"], (expected >= 0.5) & known)
