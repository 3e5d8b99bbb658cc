"""A model of this project, whichever server has it: also one that an address was given of.

What its signatures take and answer is this project's own design; how a server takes and answers it,
TF Serving's.
"""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from schema import names
from tests.support.contract.api import array, classification, examples, refusal

TEXTS = [
    "Attention is all you need: a network that dispenses with recurrence.",
    "A bound on the chromatic number of sparse random graphs.",
    "",
    "größte Näherung 数学 🦉",
    "line\nbreak, tab\t, \\latex{$x^2$}",
]
OUTPUTS = (
    names.OUTPUT_LABELS,
    names.OUTPUT_SCORES,
    names.OUTPUT_SUGGESTED,
    names.OUTPUT_KNOWN_SHARE,
)


def by_grpc(tagger, texts, **choice):
    inputs = {names.INPUT_TEXT: np.array([text.encode() for text in texts], object)}
    outputs = tagger.client.predict(tagger.name, inputs, **choice).outputs
    return {name: array(value) for name, value in outputs.items()}


def by_rest(tagger, texts):
    body = {"inputs": {names.INPUT_TEXT: texts}}
    got = tagger.client.post(f"{tagger.name}:predict", body)
    assert got.status == 200, got.text
    return {name: np.array(value) for name, value in got.content["outputs"].items()}


def check_ranking(outputs, count):
    """Labels, best first, and which of them are over the threshold."""
    assert set(outputs) == set(OUTPUTS)
    ((rows, columns),) = {outputs[name].shape for name in OUTPUTS[:3]}
    assert outputs[names.OUTPUT_KNOWN_SHARE].shape == (rows,) == (count,)
    assert columns > 0
    scores = outputs[names.OUTPUT_SCORES]
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.diff(scores) <= 0).all()
    suggested = outputs[names.OUTPUT_SUGGESTED].astype(int)
    assert (np.diff(suggested) <= 0).all()
    assert all(len(set(row)) == columns for row in outputs[names.OUTPUT_LABELS].tolist())


@pytest.mark.parametrize("ask", [by_grpc, by_rest])
def test_labels_come_best_first(tagger, ask):
    check_ranking(ask(tagger, TEXTS), len(TEXTS))


def test_both_protocols_say_the_same(tagger):
    """api_rest.md, "Predict API": it follows PredictionService.Predict."""
    first, second = by_grpc(tagger, TEXTS), by_rest(tagger, TEXTS)
    np.testing.assert_allclose(second[names.OUTPUT_SCORES], first[names.OUTPUT_SCORES], rtol=1e-5)
    labels = [[label.decode() for label in row] for row in first[names.OUTPUT_LABELS].tolist()]
    assert second[names.OUTPUT_LABELS].tolist() == labels
    assert second[names.OUTPUT_SUGGESTED].tolist() == first[names.OUTPUT_SUGGESTED].tolist()


@pytest.mark.parametrize("ask", [by_grpc, by_rest])
def test_a_text_alone_is_ranked_as_among_others(tagger, ask):
    together = ask(tagger, TEXTS)
    for row, text in enumerate(TEXTS):
        alone = ask(tagger, [text])
        np.testing.assert_allclose(
            alone[names.OUTPUT_SCORES][0], together[names.OUTPUT_SCORES][row], rtol=1e-5
        )


def test_rows_are_objects_of_the_outputs(tagger):
    """api_rest.md, "Response format" of the row format; "instances" of plain values."""
    got = tagger.client.post(f"{tagger.name}:predict", {"instances": TEXTS})
    rows = got.content["predictions"]
    assert [set(row) for row in rows] == [set(OUTPUTS)] * len(TEXTS)
    columns = by_rest(tagger, TEXTS)
    for name in OUTPUTS:
        assert [row[name] for row in rows] == columns[name].tolist()


def test_the_probabilities_hold_the_best_scores(tagger):
    scores = by_grpc(tagger, TEXTS)[names.OUTPUT_SCORES]
    (probabilities,) = by_grpc(tagger, TEXTS, signature=names.SIGNATURE_PROBABILITIES).values()
    best = -np.sort(-probabilities, axis=1)[:, : scores.shape[1]]
    np.testing.assert_allclose(best, scores, rtol=1e-5)


def test_papers_are_classified(tagger):
    """classifier.cc: labels and scores of each example; api_rest.md, "Classify and Regress API"."""
    papers = [{names.SUMMARIES: [text.encode()]} for text in TEXTS]
    request = classification(examples(*papers), name=tagger.name, signature="classify")
    result = tagger.client.classify(request).result
    scores = by_grpc(tagger, TEXTS)[names.OUTPUT_SCORES]
    found = [[each.score for each in row.classes] for row in result.classifications]
    np.testing.assert_allclose(found, scores, rtol=1e-5)
    labels = by_grpc(tagger, TEXTS)[names.OUTPUT_LABELS].tolist()
    assert [[each.label.encode() for each in row.classes] for row in result.classifications] == (
        labels
    )
    body = {
        "signature_name": "classify",
        "examples": [{names.SUMMARIES: text} for text in TEXTS],
    }
    got = tagger.client.post(f"{tagger.name}:classify", body)
    assert [[label.encode() for label, _ in row] for row in got.content["results"]] == labels


@pytest.mark.parametrize(
    "signature",
    [
        names.SIGNATURE_EVALUATE,
        names.SIGNATURE_EXPLAIN,
        names.SIGNATURE_TRANSFORM,
        names.SIGNATURE_PROBABILITIES,
    ],
)
def test_the_other_signatures_answer_by_predict(tagger, signature):
    """predict_util.cc; their inputs are those of the metadata."""
    content = tagger.client.get(f"{tagger.name}/metadata").content
    (name,) = content["metadata"]["signature_def"]["signature_def"][signature]["inputs"]
    paper = examples({names.SUMMARIES: [b"graphs"], names.TERMS: [b"['math.CO']"]})
    serialized = paper.example_list.examples[0].SerializeToString()
    value = serialized if name == names.INPUT_EXAMPLES else b"graphs"
    outputs = tagger.client.predict(
        tagger.name, {name: np.array([value], object)}, signature=signature
    )
    assert {array(output).shape[0] for output in outputs.outputs.values()} == {1}


def test_classify_is_refused_where_the_signature_is_for_predict(tagger):
    """classifier.cc GetClassificationSignatureDef and PreProcessClassification.

    A server that does not check method names finds no `inputs` instead (main.cc,
    --enable_signature_method_name_check).
    """
    request = classification(examples({names.SUMMARIES: [b"text"]}), name=tagger.name)
    code, _ = refusal(lambda: tagger.client.classify(request))
    assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)
    got = tagger.client.post(f"{tagger.name}:classify", {"examples": [{names.SUMMARIES: "text"}]})
    assert got.status == 400
    assert got.error


def test_a_long_text_is_ranked(tagger):
    """7 MB, over gRPC's own 4 MB (server.cc SetMaxMessageSize), and short of the local limit."""
    text = "graph colouring and neural networks " * 200_000
    first, second = by_grpc(tagger, [text]), by_rest(tagger, [text])
    check_ranking(first, 1)
    np.testing.assert_allclose(second[names.OUTPUT_SCORES], first[names.OUTPUT_SCORES], rtol=1e-5)
