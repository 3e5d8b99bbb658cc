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
_ABSTRACT: Final = """A small model for a long winter: learning to route snow ploughs
We study how a city can send its snow ploughs where they are needed most. Every street is a node
of a graph, every crossing an edge, and the depth of the snow changes by the hour. We train a
recurrent network on ten invented winters and let it choose the next street for each of $n = 40$
ploughs. Unlike earlier work, which solves an integer program every night, our method answers in
a few milliseconds and keeps working when a plough breaks down. On three synthetic cities the
mean waiting time of a street falls by 12.5 % against a greedy rule, and by 4 % against the
integer program. An ablation shows that the gain comes from looking one hour ahead; attention
over all streets adds little. We also prove that the greedy rule can be worse than the best plan
by any factor, and we give an example with five streets. Finally, we discuss where such a system
should not be used: it knows nothing of hospitals, schools or steep hills unless somebody tells
it. The simulator and the weights of all models are available on request."""
_TEXTS: Final = (_SHORT, _ABSTRACT, "")


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
