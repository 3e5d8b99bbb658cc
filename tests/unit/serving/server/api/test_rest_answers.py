"""Answers as JSON text. Most cases are those of TF Serving's json_tensor_test.cc."""

import json
import math

import numpy as np
import pytest
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.server.api.rest_answers import (
    classify_json,
    error_json,
    json_values,
    predict_json,
    regress_json,
)
from serving.server.errors import ServingError


def test_decimals_have_six_digits_or_come_back_exactly():
    six = np.array([9000000, 999999, 0.5, 0.0003, 0.00003, 555557.5, -0.0, 1e-45], np.float32)
    assert json_values(six) == [
        "9e+06",
        "999999.0",
        "0.5",
        "0.0003",
        "3e-05",
        "555557.5",
        "-0.0",
        "1.4013e-45",
    ]
    assert json_values(np.array([1 / 3, 16777216], np.float32)) == ["0.333333343", "16777216.0"]
    assert json_values(np.array([np.nan, np.inf, -np.inf, 0.1])) == [
        "NaN",
        "Infinity",
        "-Infinity",
        "0.1",
    ]
    assert json_values(np.zeros(0)) == []
    random = np.random.default_rng(0)
    for dtype, bits in ((np.float32, np.uint32), (np.float64, np.uint64)):
        values = random.integers(0, np.iinfo(bits).max, 5000, dtype=bits).view(dtype)
        values = values[np.isfinite(values)]
        texts = json_values(values)
        np.testing.assert_array_equal(
            np.array([float(text) for text in texts]).astype(dtype), values
        )
        assert all("." in text or "e" in text for text in texts)


def test_an_empty_batch_has_no_predictions():
    empty = {"a": np.zeros((0, 1, 2), object), "b": np.zeros((0, 3), np.float32)}
    assert json.loads(predict_json(empty, by_row=True)) == {"predictions": []}
    assert json.loads(predict_json({"b": empty["b"]}, by_row=True)) == {"predictions": []}
    assert json.loads(predict_json({"b": np.zeros((2, 0))}, by_row=True)) == {
        "predictions": [[], []]
    }
    assert json.loads(predict_json({"b": np.zeros((2, 0))}, by_row=False)) == {"outputs": [[], []]}


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": np.zeros(2, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
        ({"y": np.array(1)}, "Tensor name: y has no shape information "),
        (
            {"a": np.zeros((0, 2)), "b": np.zeros((1, 2))},
            "Tensor name: b has inconsistent batch size: 1 expecting: 0",
        ),
    ],
)
def test_outputs_that_json_cannot_hold(outputs, message):
    with pytest.raises(ServingError) as caught:
        predict_json(outputs, by_row=True)
    assert caught.value.message == message


def test_the_text_looks_like_tf_servings():
    """White space as RapidJSON's PrettyWriter with SetFormatOptions of json_tensor.cc."""
    assert predict_json({"y": np.array([2.5, 3])}, by_row=True) == (
        '{\n    "predictions": [2.5, 3.0\n    ]\n}'
    )
    two = {"a": np.array([[1, 2]]), "b": np.array([True])}
    assert predict_json(two, by_row=True) == (
        '{\n    "predictions": [\n        {\n            "a": [1, 2],\n            "b": true\n'
        "        }\n    ]\n}"
    )
    assert predict_json(two, by_row=False) == (
        '{\n    "outputs": {\n        "a": [\n            [\n                1,\n'
        '                2\n            ]\n        ],\n        "b": [\n            true\n'
        "        ]\n    }\n}"
    )
    assert error_json('Bad key: "key"') == '{\n    "error": "Bad key: \\"key\\""\n}'


def test_classifications_and_regressions():
    result = classification_pb2.ClassificationResult()
    for scores in ((0.2, 0.7), (0.7, math.nan)):
        classes = result.classifications.add().classes
        for label, score in zip(("car", ""), scores, strict=True):
            classes.add(label=label, score=score)
    assert classify_json(result) == (
        '{\n    "results": [[["car", 0.2], ["", 0.7]], [["car", 0.7], ["", NaN]]\n    ]\n}'
    )
    values = regression_pb2.RegressionResult()
    for value in (0.2, math.inf, 1, -math.inf, math.nan):
        values.regressions.add(value=value)
    assert regress_json(values) == '{\n    "results": [0.2, Infinity, 1.0, -Infinity, NaN]\n}'
    with pytest.raises(ServingError, match="empty ClassificationResults"):
        classify_json(classification_pb2.ClassificationResult())
    with pytest.raises(ServingError, match="empty RegressionResults"):
        regress_json(regression_pb2.RegressionResult())
