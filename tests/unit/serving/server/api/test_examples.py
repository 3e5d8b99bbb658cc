"""What Classify and Regress demand of a signature and of what it computes."""

from __future__ import annotations

import asyncio

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from serving.server.api import inference
from serving.server.errors import ServingError
from tests.support.answering import answering
from tests.support.saved_models import tf_example

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"
FLOATS = np.float32([[1, 2]])
LABELS = np.array([[b"a", b"b"]], object)


def classify(model):
    request = ClassificationRequest()
    request.input.example_list.examples.append(tf_example())
    return asyncio.run(inference.run_examples(model, request))


def regress(model):
    request = RegressionRequest()
    request.input.example_list.examples.append(tf_example())
    return asyncio.run(inference.run_examples(model, request))


def test_classes_alone_some_of_which_are_not_text():
    model = answering(CLASSIFY, ["inputs"], classes=np.array([[b"a", b"\xffb"]], object))
    (row,) = classify(model).result.classifications
    assert [(each.label, each.score) for each in row.classes] == [("a", 0), ("\ufffdb", 0)]


def test_a_context_counts_for_each_example():
    request = ClassificationRequest()
    given = request.input.example_list_with_context
    given.context.CopyFrom(tf_example(x=[b"a" * 2**20]))
    given.examples.extend([tf_example()] * 100)
    with pytest.raises(ServingError, match="too large: it would take 1050"):
        asyncio.run(inference.run_examples(answering(CLASSIFY, ["inputs"], scores=FLOATS), request))


def test_classes_and_scores():
    model = answering(CLASSIFY, ["inputs"], classes=LABELS, scores=FLOATS)
    (row,) = classify(model).result.classifications
    assert [(each.label, each.score) for each in row.classes] == [("a", 1), ("b", 2)]


def test_any_signature_classifies_and_regresses_unless_methods_are_checked():
    """classifier.cc and regressor.cc: GetSignatureMethodNameCheckFeature."""
    predict = "tensorflow/serving/predict"
    for call, output in ((classify, {"scores": FLOATS}), (regress, {"outputs": FLOATS[:, 0]})):
        model = answering(predict, ["inputs"], **output)
        model.check_method_names = False
        assert call(model).HasField("result")
        model.check_method_names = True
        with pytest.raises(ServingError, match=f"method_name to be .*. Was: {predict}"):
            call(model)


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (["inputs", "x"], {"scores": FLOATS}, "Expected one input Tensor."),
        (
            ["inputs"],
            {"scores": FLOATS, "classes": LABELS, "more": LABELS},
            "Expected one or two output Tensors, found 3",
        ),
        (["x"], {"scores": FLOATS}, "No classification inputs found in SignatureDef: "),
        (
            ["inputs"],
            {"other": FLOATS},
            'Expected classification signature outputs to contain at least one of "classes" or '
            '"scores". Signature was: ',
        ),
        (
            ["inputs"],
            {"scores": FLOATS[0]},
            "Expected Tensor shape: [batch_size num_classes] but got [2]",
        ),
        (
            ["inputs"],
            {"scores": FLOATS.astype(np.float64)},
            "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE",
        ),
        (["inputs"], {"classes": FLOATS}, "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
        (
            ["inputs"],
            {"scores": np.float32([[1], [2]])},
            "Expected scores output batch size of 1. Got: 2",
        ),
        (
            ["inputs"],
            {"scores": FLOATS, "classes": LABELS[:, :1]},
            "Tensors class and score should match in dim_size(1). Got 1 vs. 2",
        ),
    ],
)
def test_classify_checks_the_signature_and_its_outputs(inputs, outputs, message):
    with pytest.raises(ServingError) as caught:
        classify(answering(CLASSIFY, inputs, **outputs))
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (["inputs", "x"], {"outputs": FLOATS}, "Expected one input Tensor."),
        (["inputs"], {"outputs": FLOATS, "more": FLOATS}, "Expected one output Tensor."),
        (["x"], {"outputs": FLOATS}, "No regression inputs found in SignatureDef: "),
        (["inputs"], {"y": FLOATS}, "No regression outputs found in SignatureDef: "),
        (
            ["inputs"],
            {"outputs": FLOATS},
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            "[1,2]",
        ),
        (
            ["inputs"],
            {"outputs": np.float32([1, 2, 3])},
            "Input batch size did not match output batch size: 1 vs. 3",
        ),
        (
            ["inputs"],
            {"outputs": np.int32([1])},
            "Expected output Tensor of DT_FLOAT.  Got: DT_INT32",
        ),
    ],
)
def test_regress_checks_the_signature_and_its_output(inputs, outputs, message):
    with pytest.raises(ServingError) as caught:
        regress(answering(REGRESS, inputs, **outputs))
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.message.startswith(message)
