"""Small SavedModels for the tests of what serves them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from schema import names

_v1 = tf.compat.v1
_info = _v1.saved_model.utils.build_tensor_info
_signature = _v1.saved_model.signature_def_utils.build_signature_def
_PREDICT = "tensorflow/serving/predict"
_CLASSIFY = "tensorflow/serving/classify"
_REGRESS = "tensorflow/serving/regress"

Values = Sequence[str] | Sequence[bytes] | Sequence[float]

TAGGER_LABELS = (b"cs.CV", b"cs.LG", b"math.CO", b"stat.ML")
TAGGER_TOP_K = 3


def half_plus_two(path: Path, *, add: float = 2.0) -> None:
    """Saves TF Serving's own test model: y = x / 2 + add, y2 = x / 2 + 3, y3 = x2 / 2 + 3.

    In the form of TensorFlow 1: a graph with plain variables, an asset and an operation to set
    up, and the signatures of saved_model_half_plus_two.py in TF Serving's test data. As there,
    `regress_x2_to_y3` takes floats where the API feeds examples.
    """
    asset = path.parent / f"{path.name}.foo" / "foo.txt"
    asset.parent.mkdir(parents=True)
    asset.write_text("asset-file-contents")
    with _v1.Session(graph=tf.Graph()) as session:
        half, half2 = (_v1.Variable(0.5, name=name, use_resource=False) for name in ("a", "a2"))
        offset = _v1.Variable(add, name="b", use_resource=False)
        three, three2 = (_v1.Variable(3.0, name=name, use_resource=False) for name in ("c", "c2"))
        examples = _v1.placeholder(tf.string, name="tf_example", shape=[None])
        features = tf.io.parse_example(
            examples,
            {
                "x": tf.io.FixedLenFeature([1], tf.float32),
                "x2": tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0]),
            },
        )
        x, x2 = (tf.identity(features[name], name=name) for name in ("x", "x2"))
        y = tf.identity(half * x + offset, name="y")
        y2 = tf.identity(half * x + three, name="y2")
        y3 = tf.identity(half2 * x2 + three2, name="y3")
        filename = tf.constant(str(asset))
        _v1.add_to_collection(_v1.GraphKeys.ASSET_FILEPATHS, filename)
        contents = _v1.Variable("", name="contents", use_resource=False, collections=[])
        session.run(_v1.global_variables_initializer())
        builder = _v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                "serving_default": _signature({"x": _info(x)}, {"y": _info(y)}, _PREDICT),
                "regress_x_to_y": _regress(examples, y),
                "regress_x_to_y2": _regress(examples, y2),
                "regress_x2_to_y3": _regress(x2, y3),
                "classify_x_to_y": _signature(
                    {"inputs": _info(examples)}, {"scores": _info(y)}, _CLASSIFY
                ),
            },
            assets_collection=_v1.get_collection(_v1.GraphKeys.ASSET_FILEPATHS),
            main_op=tf.group(contents.assign(tf.io.read_file(filename))),
        )
        builder.save()
    # Whoever loads the model must take its own copy.
    shutil.rmtree(asset.parent)


def small_tagger(path: Path, *, threshold: float = 0.5) -> None:
    """Saves a toy model with the signatures, inputs and outputs of this project's own.

    A label's score is the sigmoid of how often its letters stand in the text, less one. The
    letters of all labels are what it knows.
    """
    tagger = _SmallTagger(threshold)
    tf.saved_model.save(
        tagger,
        str(path),
        signatures={
            names.SIGNATURE_DEFAULT: tagger.suggest,
            names.SIGNATURE_EXPLAIN: tagger.explain,
            names.SIGNATURE_CLASSIFY: tagger.classify,
            names.SIGNATURE_PROBABILITIES: tagger.probabilities,
            names.SIGNATURE_EVALUATE: tagger.evaluate,
            names.SIGNATURE_TRANSFORM: tagger.transform_features,
        },
    )
    _set_method(path, names.SIGNATURE_CLASSIFY, names.CLASSIFY_METHOD_NAME)


def feature_example(**features: Values) -> bytes:
    """A serialized tf.Example with features of text, bytes or numbers."""
    return bytes(tf_example(**features).SerializeToString())


def tf_example(**features: Values) -> tf.train.Example:
    """A tf.Example with features of text, bytes or numbers; one without values is of bytes."""

    def feature(values: Values) -> tf.train.Feature:
        if values and isinstance(values[0], int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        if values and isinstance(values[0], float):
            return tf.train.Feature(float_list=tf.train.FloatList(value=values))
        encoded = [each.encode() if isinstance(each, str) else each for each in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))

    by_name = {name: feature(values) for name, values in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=by_name))


def _regress(inputs: tf.Tensor, outputs: tf.Tensor) -> object:
    return _signature({"inputs": _info(inputs)}, {"outputs": _info(outputs)}, _REGRESS)


_TEXT = tf.TensorSpec([None], tf.string, name=names.INPUT_TEXT)
_EXAMPLES = tf.TensorSpec([None], tf.string, name=names.INPUT_EXAMPLES)


class _SmallTagger(tf.Module):
    def __init__(self, threshold: float) -> None:
        super().__init__()
        letters = np.zeros([256, len(TAGGER_LABELS)], np.float32)
        for column, label in enumerate(TAGGER_LABELS):
            letters[list(label), column] = 1
        self._letters = tf.Variable(letters)
        self._threshold = threshold
        self._vocabulary = tf.constant(TAGGER_LABELS)
        self._codes = tf.constant([bytes([code]) for code in range(256)])

    def _add(self, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What each letter adds to each label's logit, [n, 256, 4], and known shares, [n]."""
        codes = tf.io.decode_raw(tf.strings.join([text, "\0"]), tf.uint8, fixed_length=1000)
        found = tf.math.bincount(tf.cast(codes, tf.int32), minlength=256, maxlength=256, axis=-1)
        counts = tf.ensure_shape(tf.cast(found, tf.float32), [None, 256])
        known = tf.reduce_sum(counts * tf.reduce_max(self._letters, axis=1), axis=1)
        length = tf.cast(tf.strings.length(text), tf.float32)
        return counts[:, :, tf.newaxis] * self._letters / 10, tf.math.divide_no_nan(known, length)

    def _score(self, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        added, known_share = self._add(text)
        return tf.sigmoid(tf.reduce_sum(added, axis=1) - 1), known_share

    def _score_examples(self, examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        text = tf.io.FixedLenFeature([], tf.string, default_value="")
        raw = tf.io.parse_example(examples, {names.TITLES: text, names.SUMMARIES: text})
        return self._score(tf.strings.join([raw[names.TITLES], raw[names.SUMMARIES]]))

    def _best(self, scores: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        best, columns = tf.math.top_k(scores, TAGGER_TOP_K)
        return tf.gather(self._vocabulary, columns), best

    @tf.function(input_signature=[_TEXT])
    def suggest(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        scores, known_share = self._score(text)
        labels, scores = self._best(scores)
        return {
            names.OUTPUT_LABELS: labels,
            names.OUTPUT_SCORES: scores,
            names.OUTPUT_SUGGESTED: self._suggested(scores, known_share),
            names.OUTPUT_KNOWN_SHARE: known_share,
        }

    def _suggested(self, scores: tf.Tensor, known_share: tf.Tensor) -> tf.Tensor:
        return (scores >= self._threshold) & (known_share > 0)[:, tf.newaxis]

    @tf.function(input_signature=[_TEXT])
    def explain(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        added, _ = self._add(text)
        _, columns = tf.math.top_k(self._score(text)[0], TAGGER_TOP_K)
        of_best = tf.gather(tf.transpose(added, [0, 2, 1]), columns, batch_dims=1)
        most, codes = tf.math.top_k(of_best, 5)
        rest = tf.reduce_sum(of_best, axis=2) - tf.reduce_sum(most, axis=2)
        return {
            **self.suggest(text),
            names.OUTPUT_LOGITS: tf.reduce_sum(of_best, axis=2) - 1,
            names.OUTPUT_NGRAMS: tf.where(most == 0, "", tf.gather(self._codes, codes)),
            names.OUTPUT_CONTRIBUTIONS: most,
            names.OUTPUT_REST: rest,
            names.OUTPUT_BIAS: -tf.ones_like(rest),
        }

    @tf.function(input_signature=[_EXAMPLES])
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        classes, scores = self._best(self._score_examples(inputs)[0])
        return {names.OUTPUT_CLASSES: classes, names.OUTPUT_SCORES: scores}

    @tf.function(input_signature=[_TEXT])
    def probabilities(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {names.OUTPUT_PROBABILITIES: self._score(text)[0]}

    @tf.function(input_signature=[_EXAMPLES])
    def evaluate(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        scores, known_share = self._score_examples(inputs)
        return {
            names.OUTPUT_PROBABILITIES: scores,
            names.OUTPUT_SUGGESTED: tf.cast(self._suggested(scores, known_share), tf.float32),
            names.OUTPUT_KNOWN_SHARE: known_share,
        }

    @tf.function(input_signature=[_EXAMPLES])
    def transform_features(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = tf.io.parse_example(
            inputs, {names.TERMS: tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)}
        )
        hits = raw[names.TERMS].to_tensor()[..., None] == self._vocabulary
        labels = tf.cast(tf.reduce_any(hits, axis=1), tf.float32)
        known = tf.reduce_sum(tf.cast(tf.reduce_any(hits, axis=2), tf.int64), axis=1)
        return {
            names.LABELS: labels,
            names.UNKNOWN_LABELS: raw[names.TERMS].row_lengths() - known,
        }


def _set_method(path: Path, signature: str, method: str) -> None:
    file = path / "saved_model.pb"
    model = SavedModel.FromString(file.read_bytes())
    model.meta_graphs[0].signature_def[signature].method_name = method
    file.write_bytes(model.SerializeToString())
