"""What a candidate is asked: every signature, about real papers, over gRPC and REST."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2

from components.papers.examples import parse_example, serialize_paper
from components.papers.raw_paper import RawPaper
from schema import names

Request: TypeAlias = predict_pb2.PredictRequest | classification_pb2.ClassificationRequest

# Questions are named after their signatures. This one asks `classify` about the texts that
# `serving_default` gets, as a client that has no titles does.
CLASSIFY_TEXT: Final = "classify of the text"

# The signatures that compute; the others pick the best labels from what these answer.
COMPUTED: Final = (
    names.SIGNATURE_PROBABILITIES,
    names.SIGNATURE_EVALUATE,
    names.SIGNATURE_TRANSFORM,
)

_TEXT_SIGNATURES: Final = (
    names.SIGNATURE_DEFAULT,
    names.SIGNATURE_EXPLAIN,
    names.SIGNATURE_PROBABILITIES,
)
_EXAMPLE_SIGNATURES: Final = (
    names.SIGNATURE_CLASSIFY,
    names.SIGNATURE_EVALUATE,
    names.SIGNATURE_TRANSFORM,
)


@dataclass(frozen=True)
class ProbeRequest:
    """One signature, asked about all papers at once.

    Attributes:
        name: Name of the question.
        signature: The signature that answers.
        inputs: One value for each paper: a UTF-8 text or a serialized tf.Example.
    """

    name: str
    signature: str
    inputs: tuple[bytes, ...]

    @property
    def input_name(self) -> str:
        """Name of the signature's input."""
        return names.INPUT_TEXT if self.signature in _TEXT_SIGNATURES else names.INPUT_EXAMPLES

    @property
    def rest_verb(self) -> str:
        """TF Serving's REST method: `classify` or `predict`."""
        return "classify" if self.signature == names.SIGNATURE_CLASSIFY else "predict"

    def grpc_request(self) -> Request:
        """Returns the request of TF Serving's gRPC API."""
        if self.signature == names.SIGNATURE_CLASSIFY:
            request = classification_pb2.ClassificationRequest()
            for record in self.inputs:
                request.input.example_list.examples.add().MergeFromString(record)
        else:
            request = predict_pb2.PredictRequest()
            values = tf.make_tensor_proto(list(self.inputs), tf.string)
            request.inputs[self.input_name].CopyFrom(values)
        request.model_spec.name = names.MODEL_NAME
        request.model_spec.signature_name = self.signature
        return request

    def rest_body(self) -> dict[str, Any]:
        """Returns the JSON of TF Serving's REST API."""
        body: dict[str, Any] = {"signature_name": self.signature}
        if self.signature == names.SIGNATURE_CLASSIFY:
            body["examples"] = [_rest_example(record) for record in self.inputs]
        elif self.signature in _TEXT_SIGNATURES:
            body["instances"] = [text.decode() for text in self.inputs]
        else:
            body["instances"] = [
                {"b64": base64.b64encode(record).decode()} for record in self.inputs
            ]
        return body


def make_questions(papers: Sequence[RawPaper]) -> list[ProbeRequest]:
    """Makes a question for every signature."""
    texts = tuple(paper.text.encode() for paper in papers)
    records = tuple(serialize_paper(paper) for paper in papers)
    return [
        *(ProbeRequest(signature, signature, texts) for signature in _TEXT_SIGNATURES),
        *(ProbeRequest(signature, signature, records) for signature in _EXAMPLE_SIGNATURES),
        ProbeRequest(CLASSIFY_TEXT, names.SIGNATURE_CLASSIFY, tuple(map(_untitled, texts))),
    ]


def _untitled(text: bytes) -> bytes:
    """Returns an example that holds nothing but a text."""
    example = tf.train.Example()
    example.features.feature[names.SUMMARIES].bytes_list.value.append(text)
    return bytes(example.SerializeToString())


def _rest_example(record: bytes) -> dict[str, str]:
    """Returns the title, if there is one, and the abstract: what a client knows of a paper."""
    paper = parse_example(record)
    title = {names.TITLES: paper.title} if paper.title else {}
    return {**title, names.SUMMARIES: paper.abstract}
