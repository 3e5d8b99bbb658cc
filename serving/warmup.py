"""Warm-up requests: a server replays them when it loads a version, before clients can ask.

TensorFlow plans a graph at its first run, for which the first clients would have to wait. See
"SavedModel Warmup" in TF Serving's guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_log_pb2

from schema import names

_SHORT: Final = "Graph neural networks for traffic forecasting"
_SENTENCE: Final = "Every street is a node of a graph, and every crossing an edge. "
# As long as a title and an abstract.
_PAPER: Final = f"{_SHORT}\n{15 * _SENTENCE}"
_TEXTS: Final = (_SHORT, _PAPER, "")


def warmup_requests() -> list[prediction_log_pb2.PredictionLog]:
    """Returns requests for every signature of a client: each text alone, and all in one batch."""
    return [log for texts in (*([text] for text in _TEXTS), _TEXTS) for log in _logs(texts)]


def write_warmup_requests(model_dir: str) -> None:
    """Writes the requests where TF Serving looks for them, as a TFRecord file.

    Args:
        model_dir: Folder of a SavedModel; a local path or a URL that TensorFlow can write.
    """
    extra = tf.io.gfile.join(model_dir, names.EXTRA_ASSETS_DIR)
    tf.io.gfile.makedirs(extra)
    with tf.io.TFRecordWriter(tf.io.gfile.join(extra, names.WARMUP_FILE)) as writer:
        for log in warmup_requests():
            writer.write(log.SerializeToString(deterministic=True))


def _logs(texts: Sequence[str]) -> Iterator[prediction_log_pb2.PredictionLog]:
    for signature in (names.SIGNATURE_DEFAULT, names.SIGNATURE_PROBABILITIES):
        predict = predict_pb2.PredictRequest()
        predict.model_spec.name = names.MODEL_NAME
        predict.model_spec.signature_name = signature
        predict.inputs[names.INPUT_TEXT].CopyFrom(tf.make_tensor_proto(texts, tf.string))
        yield prediction_log_pb2.PredictionLog(
            predict_log=prediction_log_pb2.PredictLog(request=predict)
        )
    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name = names.MODEL_NAME
    classify.model_spec.signature_name = names.SIGNATURE_CLASSIFY
    for text in texts:
        feature = classify.input.example_list.examples.add().features.feature
        feature[names.SUMMARIES].bytes_list.value.append(text.encode())
    yield prediction_log_pb2.PredictionLog(
        classify_log=prediction_log_pb2.ClassifyLog(request=classify)
    )
