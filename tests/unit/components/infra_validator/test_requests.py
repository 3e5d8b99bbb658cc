"""What a candidate is asked: the same papers in every form."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import tensorflow as tf

from components.infra_validator.faults import ModelFault
from components.infra_validator.requests import CLASSIFY_TEXT, make_questions
from components.papers.examples import parse_example
from schema.text import join_title_and_abstract
from tests.support.candidates import change_graph, changed_copy

COUNT = 12


@pytest.fixture(scope="module")
def papers(records):
    return [parse_example(record) for record in records[:COUNT]]


@pytest.fixture(scope="module")
def model(exported, tmp_path_factory):
    return changed_copy(exported, tmp_path_factory.mktemp("model") / "here", lambda _: None)


@pytest.fixture(scope="module")
def questions(model, papers, tmp_path_factory):
    made = make_questions(model, papers, tmp_path_factory.mktemp("s") / "here")
    return {question.name: question for question in made}


def test_every_signature_is_asked(questions, exported):
    signatures = tf.saved_model.load(str(exported)).signatures
    assert {question.signature for question in questions.values()} == set(signatures)
    for question in questions.values():
        arguments = signatures[question.signature].structured_input_signature[1]
        assert [question.input_name] == list(arguments)
        assert len(question.inputs) == COUNT
        for request in question.requests:
            assert request.model_spec.name == "arxiv_tagger"
            assert request.model_spec.signature_name == question.signature
        assert question.rest_body["signature_name"] == question.signature


@pytest.mark.parametrize("name", ["serving_default", "probabilities"])
def test_texts_are_title_and_abstract_in_one(questions, parts, name):
    expected = [
        join_title_and_abstract(*paper) for paper in zip(parts.titles, parts.abstracts, strict=True)
    ][:COUNT]
    question = questions[name]
    assert [each.decode() for each in question.inputs] == expected
    (request,) = question.requests
    assert [each.decode() for each in tf.make_ndarray(request.inputs["text"])] == expected
    assert (question.rest_verb, question.rest_body["instances"]) == ("predict", expected)


@pytest.mark.parametrize("name", ["evaluate", "transform_features"])
def test_raw_examples_go_as_they_are(questions, records, name):
    question = questions[name]
    assert list(question.inputs) == records[:COUNT]
    found = [tf.make_ndarray(request.inputs["inputs"]).tolist() for request in question.requests]
    assert found == [[record] for record in records[:COUNT]]
    rest = [base64.b64decode(each["b64"]) for each in question.rest_body["instances"]]
    assert (question.rest_verb, rest) == ("predict", records[:COUNT])


def test_classify_gets_the_examples_themselves(questions, parts, records):
    question = questions["classify"]
    assert list(question.inputs) == records[:COUNT]
    found = [list(request.input.example_list.examples) for request in question.requests]
    assert found == [[tf.train.Example.FromString(record)] for record in records[:COUNT]]
    papers = zip(parts.titles, parts.abstracts, strict=True)
    rest = [{"titles": title, "summaries": abstract} for title, abstract in papers]
    assert (question.rest_verb, question.rest_body["examples"]) == ("classify", rest[:COUNT])


def test_classify_also_gets_the_very_texts_of_serving_default(questions):
    texts = [text.decode() for text in questions["serving_default"].inputs]
    question = questions[CLASSIFY_TEXT]
    (request,) = question.requests
    for found in (
        list(request.input.example_list.examples),
        [tf.train.Example.FromString(each) for each in question.inputs],
    ):
        features = [dict(each.features.feature) for each in found]
        assert [list(each) for each in features] == [["summaries"]] * COUNT
        values = [each["summaries"].bytes_list.value[0].decode() for each in features]
        assert values == texts
    assert question.rest_body["examples"] == [{"summaries": text} for text in texts]


@pytest.mark.parametrize("signature", ["classify", "evaluate"])
def test_a_missing_signature_is_the_models_fault(exported, papers, tmp_path, signature):
    def forget(graph):
        del graph.signature_def[signature]

    model = changed_copy(exported, tmp_path / "model", change_graph(forget))
    with pytest.raises(ModelFault, match=f"{signature}: .* could not be found"):
        make_questions(model, papers[:2], tmp_path / "sample")


def test_papers_are_the_same_in_every_trial(model, papers, tmp_path):
    papers = papers[:3]
    first, second = (
        make_questions(model, papers, Path(tmp_path, name)) for name in ("first", "second")
    )
    assert first == second
