"""What a candidate is asked: the same papers for every signature, over gRPC and REST."""

from __future__ import annotations

import base64

import pytest
import tensorflow as tf

from components.infra_validator.requests import CLASSIFY_TEXT, COMPUTED, make_questions
from components.papers.examples import parse_example
from schema.text import join_title_and_abstract

COUNT = 12


@pytest.fixture(scope="module")
def questions(records):
    papers = [parse_example(record) for record in records[:COUNT]]
    return {question.name: question for question in make_questions(papers)}


@pytest.fixture(scope="module")
def texts(parts) -> list[str]:
    papers = zip(parts.titles, parts.abstracts, strict=True)
    return [join_title_and_abstract(*paper) for paper in papers][:COUNT]


def test_every_signature_is_asked(questions, exported):
    signatures = tf.saved_model.load(str(exported)).signatures
    assert {question.signature for question in questions.values()} == set(signatures)
    assert set(COMPUTED) < set(questions)
    for question in questions.values():
        arguments = signatures[question.signature].structured_input_signature[1]
        assert [question.input_name] == list(arguments)
        assert len(question.inputs) == COUNT
        request = question.grpc_request()
        assert request.model_spec.name == "arxiv_tagger"
        assert request.model_spec.signature_name == question.signature
        assert question.rest_body()["signature_name"] == question.signature


@pytest.mark.parametrize("name", ["serving_default", "probabilities"])
def test_a_text_is_title_and_abstract_in_one(questions, texts, name):
    question = questions[name]
    sent = tf.make_ndarray(question.grpc_request().inputs["text"])
    assert [each.decode() for each in sent] == texts
    assert (question.rest_verb, question.rest_body()["instances"]) == ("predict", texts)


@pytest.mark.parametrize("name", ["evaluate", "transform_features"])
def test_raw_examples_go_as_they_are(questions, records, name):
    question = questions[name]
    assert tf.make_ndarray(question.grpc_request().inputs["inputs"]).tolist() == records[:COUNT]
    rest = [base64.b64decode(each["b64"]) for each in question.rest_body()["instances"]]
    assert (question.rest_verb, rest) == ("predict", records[:COUNT])


def test_classify_gets_the_examples_themselves(questions, parts, records):
    question = questions["classify"]
    found = list(question.grpc_request().input.example_list.examples)
    assert found == [tf.train.Example.FromString(record) for record in records[:COUNT]]
    papers = zip(parts.titles, parts.abstracts, strict=True)
    rest = [
        {"titles": title, "summaries": abstract} if title else {"summaries": abstract}
        for title, abstract in papers
    ]
    assert (question.rest_verb, question.rest_body()["examples"]) == ("classify", rest[:COUNT])


def test_classify_also_gets_the_texts_of_serving_default(questions, texts):
    question = questions[CLASSIFY_TEXT]
    for each, text in zip(question.grpc_request().input.example_list.examples, texts, strict=True):
        assert list(each.features.feature) == ["summaries"]
        assert each.features.feature["summaries"].bytes_list.value[0].decode() == text
    assert question.rest_body()["examples"] == [{"summaries": text} for text in texts]
