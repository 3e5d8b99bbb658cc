"""The warm-up requests: what they ask, and where they are."""

from __future__ import annotations

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from schema import names
from serving.warmup import warmup_requests, write_warmup_requests


def asked(log: prediction_log_pb2.PredictionLog) -> tuple[str, str, tuple[str, ...]]:
    """The API, the signature and the texts of a record."""
    kind = log.WhichOneof("log_type")
    request = getattr(log, kind).request
    assert request.model_spec.name == names.MODEL_NAME
    if kind == "predict_log":
        assert list(request.inputs) == ["text"]
        texts = [each.decode() for each in tf.make_ndarray(request.inputs["text"])]
    else:
        examples = request.input.example_list.examples
        assert all(list(each.features.feature) == ["summaries"] for each in examples)
        texts = [
            each.features.feature["summaries"].bytes_list.value[0].decode() for each in examples
        ]
    return kind, request.model_spec.signature_name, tuple(texts)


@pytest.fixture(scope="module")
def requests() -> list[tuple[str, str, tuple[str, ...]]]:
    return [asked(log) for log in warmup_requests()]


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        ("predict_log", "serving_default"),
        ("predict_log", "probabilities"),
        ("classify_log", "classify"),
    ],
)
def test_each_signature_gets_texts_of_all_lengths(requests, kind, signature):
    texts = [each[2] for each in requests if each[:2] == (kind, signature)]
    *alone, together = texts
    assert [len(each) for each in alone] == [1, 1, 1]
    assert together == tuple(text for (text,) in alone)
    words = sorted(len(text.split()) for text in together)
    assert words[0] == 0
    assert 1 <= words[1] <= 15
    assert 100 <= words[2] <= 300


def test_nothing_else_is_asked(requests):
    # TF Serving refuses to load a model with more than 1000.
    assert len(requests) == 12


def test_file_is_where_tf_serving_looks_and_always_the_same(tmp_path):
    """With other bytes, a push would take the same model for a new one."""
    write_warmup_requests(str(tmp_path / "1"))
    path = tmp_path / "1" / "assets.extra" / "tf_serving_warmup_requests"
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]
    assert records == [log.SerializeToString(deterministic=True) for log in warmup_requests()]
