"""PredictionService's Classify, Regress and MultiInference: tf.Examples in, results out."""

from __future__ import annotations

import re

import grpc
import pytest

from tests.support.contract.api import (
    classification,
    examples,
    multi_inference,
    refusal,
    regression,
    spec_of,
)

MODEL = "half_plus_two"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
TWO = examples({"x": [2.0]})
NONE = examples()


def scores(response):
    return [[each.score for each in row.classes] for row in response.result.classifications]


def values(response):
    return [each.value for each in response.result.regressions]


def test_examples_are_classified(client):
    """tensorflow_model_server_test.py testClassify."""
    response = client.classify(classification(TWO, name=MODEL, signature="classify_x_to_y"))
    assert scores(response) == [[3]]
    # classifier.cc: a label only where the signature has `classes`.
    assert response.result.classifications[0].classes[0].label == ""
    assert spec_of(response) == (MODEL, "classify_x_to_y", 123)


def test_a_value_is_computed_for_an_example(client):
    """tensorflow_model_server_test.py testRegress."""
    response = client.regress(regression(TWO, name=MODEL, signature="regress_x_to_y"))
    assert values(response) == [3]
    assert spec_of(response) == (MODEL, "regress_x_to_y", 123)


@pytest.mark.parametrize("count", [2, 100])
def test_each_example_has_its_result_in_order(client, count):
    """classification.proto and regression.proto: in the order of the input."""
    given = examples(*({"x": [2.0 * number]} for number in range(count)))
    expected = [number + 2.0 for number in range(count)]
    request = regression(given, name=MODEL, signature="regress_x_to_y")
    assert values(client.regress(request)) == expected
    request = classification(given, name=MODEL, signature="classify_x_to_y")
    assert scores(client.classify(request)) == [[value] for value in expected]


def test_what_the_context_says_holds_for_every_example(client):
    """input.proto ExampleListWithContext."""
    given = examples({}, {"x2": [0.0]}, context={"x": [2.0]})
    response = client.regress(regression(given, name=MODEL, signature="regress_x_to_y"))
    assert values(response) == [3, 3]


def test_an_example_may_say_otherwise_than_the_context(client):
    """util.cc InputToSerializedExampleTensor puts the example after the context, so it wins."""
    given = examples({"x": [4.0]}, {}, context={"x": [2.0]})
    response = client.regress(regression(given, name=MODEL, signature="regress_x_to_y"))
    assert values(response) == [4, 3]


@pytest.mark.parametrize(
    ("make", "call"), [(classification, "classify"), (regression, "regress")], ids=lambda _: ""
)
class TestRefusals:
    """classifier.cc and regressor.cc; codes of classifier_test.cc and regressor_test.cc."""

    def refused(self, client, make, call, given=TWO, **spec):
        request = make(given, **{"name": MODEL, **spec})
        return refusal(lambda: getattr(client, call)(request))

    @pytest.mark.parametrize("given", [NONE, examples(context={"x": [2.0]})])
    def test_no_examples(self, client, make, call, given):
        """util.cc InputToSerializedExampleTensor."""
        signature = {"classify": "classify_x_to_y", "regress": "regress_x_to_y"}[call]
        refused = self.refused(client, make, call, given, signature=signature)
        assert refused == (INVALID, "Input is empty.")

    def test_an_unknown_signature(self, client, make, call):
        refused = self.refused(client, make, call, signature="no")
        assert refused == (INVALID, "No signature was found with the name: no")

    @pytest.mark.parametrize("signature", ["", "serving_default", "the other"])
    def test_a_signature_of_another_method(self, client, make, call, signature):
        other = {"classify": "regress_x_to_y", "regress": "classify_x_to_y"}[call]
        signature = signature.replace("the other", other)
        code, message = self.refused(client, make, call, signature=signature)
        assert code is INVALID
        method = f"tensorflow/serving/{call}"
        assert f"signature method_name to be {method}. Was: tensorflow/serving/" in message

    @pytest.mark.parametrize(
        ("spec", "code", "message"),
        [
            ({"name": "no"}, NOT_FOUND, "Servable not found for request: Latest(no)"),
            ({"version": 9}, NOT_FOUND, f"Servable not found for request: Specific({MODEL}, 9)"),
            ({"label": "no"}, INVALID, "Unrecognized servable version label: no"),
            ({"name": ""}, INVALID, "ModelSpec has no name specified."),
        ],
    )
    def test_unknown_models_versions_and_labels(self, client, make, call, spec, code, message):
        """server_core.cc ServableRequestFromModelSpec and basic_manager.cc."""
        assert self.refused(client, make, call, **spec) == (code, message)

    @pytest.mark.parametrize("features", [{}, {"x": [b"text"]}, {"x": [1.0, 2.0]}])
    def test_a_feature_that_does_not_fit(self, client, make, call, features):
        """tf.io.parse_example's refusal is passed on, with its code."""
        signature = {"classify": "classify_x_to_y", "regress": "regress_x_to_y"}[call]
        given = examples({"x": [1.0]}, features)
        code, message = self.refused(client, make, call, given, signature=signature)
        assert code is INVALID
        assert re.search(r"(Feature|Key): x\b", message)


def test_several_signatures_answer_in_one_request(client):
    """tensorflow_model_server_test.py testMultiInference."""
    regress = (MODEL, "regress_x_to_y", "regress")
    classify = (MODEL, "classify_x_to_y", "classify")
    response = client.multi_inference(multi_inference(TWO, regress, classify))
    first, second = response.results
    assert [each.value for each in first.regression_result.regressions] == [3]
    (row,) = second.classification_result.classifications
    assert [each.score for each in row.classes] == [3]
    assert spec_of(first) == (MODEL, "regress_x_to_y", 123)
    assert spec_of(second) == (MODEL, "classify_x_to_y", 123)


def test_two_regressions_of_the_same_examples(client):
    """multi_inference_test.cc MultipleValidRegressSignaturesTest."""
    tasks = [(MODEL, "regress_x_to_y", "regress"), (MODEL, "regress_x_to_y2", "regress")]
    response = client.multi_inference(multi_inference(TWO, *tasks))
    results = [each.regression_result.regressions[0].value for each in response.results]
    assert results == [3, 4]


# multi_inference_test.cc, tests of these names.
@pytest.mark.parametrize(
    ("given", "tasks", "code", "message"),
    [
        (NONE, [(MODEL, "regress_x_to_y", "regress")], INVALID, "Input is empty"),
        (TWO, [(MODEL, "no", "regress")], INVALID, "signature not found"),
        (
            TWO,
            [(MODEL, "regress_x_to_y", "regress"), ("no", "regress_x_to_y", "regress")],
            INVALID,
            "must access the same model name",
        ),
        (
            TWO,
            [(MODEL, "regress_x_to_y", "regress")] * 2,
            INVALID,
            "Duplicate evaluation of signature: regress_x_to_y",
        ),
        (
            TWO,
            [(MODEL, "serving_default", "predict")],
            grpc.StatusCode.UNIMPLEMENTED,
            "Unsupported signature",
        ),
        (
            examples({"x": [2.0], "x2": [2.0]}),
            [(MODEL, "regress_x_to_y", "regress"), (MODEL, "regress_x2_to_y3", "regress")],
            INVALID,
            "to be float but string is provided",
        ),
        (
            TWO,
            [("no", "regress_x_to_y", "regress")],
            NOT_FOUND,
            "Servable not found for request: Latest(no)",
        ),
        (TWO, [(MODEL, "classify_x_to_y", "regress")], INVALID, "signature method_name to be"),
    ],
    ids=[
        "MissingInputTest",
        "UndefinedSignatureTest",
        "InconsistentModelSpecsInRequestTest",
        "EvaluateDuplicateSignaturesTest",
        "UnsupportedSignatureTypeTest",
        "SignaturesWithDifferentInputsTest",
        "unknown model",
        "another method",
    ],
)
def test_tasks_that_do_not_fit_are_refused(client, given, tasks, code, message):
    got, details = refusal(lambda: client.multi_inference(multi_inference(given, *tasks)))
    assert got is code
    assert message in details
