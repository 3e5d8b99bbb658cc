"""What a candidate is asked: real papers, for every signature, over gRPC and REST."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2
from tfx import types
from tfx.components.infra_validator import request_builder
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2, infra_validator_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.infra_validator.faults import ModelFault
from components.papers.examples import serialize_paper
from components.papers.raw_paper import RawPaper
from schema import names

Request: TypeAlias = predict_pb2.PredictRequest | classification_pb2.ClassificationRequest

# The questions are called by their signatures; this one asks `classify` for the very texts that
# `serving_default` gets.
CLASSIFY_TEXT: Final = "classify of the text"

_EXAMPLE_SIGNATURES: Final = (
    names.SIGNATURE_CLASSIFY,
    names.SIGNATURE_EVALUATE,
    names.SIGNATURE_TRANSFORM,
)


@dataclass(frozen=True)
class Question:
    """The same papers for one signature, in all forms in which they can be asked about.

    Attributes:
        name: What the question is called.
        signature: The signature that answers.
        input_name: Its input.
        inputs: What it gets, a value for each paper: texts in UTF-8, or serialized tf.Examples.
        requests: For gRPC; one with all papers, or one for each.
        rest_verb: `predict` or `classify`.
        rest_body: For REST, with all papers.
    """

    name: str
    signature: str
    input_name: str
    inputs: tuple[bytes, ...]
    requests: tuple[Request, ...]
    rest_verb: str
    rest_body: dict[str, Any]


def make_questions(
    model: types.Artifact, papers: Sequence[RawPaper], folder: Path
) -> list[Question]:
    """Makes the questions for every signature of a model.

    Args:
        model: The candidate, whose SavedModel is read for the types of its signatures.
        papers: What is asked about.
        folder: An empty folder for what TFX's builder reads.

    Raises:
        ModelFault: A signature is missing, or takes no serialized examples.
    """
    sample = _write_sample(papers, folder)
    questions = [
        _text_question(signature, papers)
        for signature in (names.SIGNATURE_DEFAULT, names.SIGNATURE_PROBABILITIES)
    ]
    questions.extend(
        _example_question(model, signature, sample, papers) for signature in _EXAMPLE_SIGNATURES
    )
    return [*questions, _classify_text_question(papers)]


def _text_question(signature: str, papers: Sequence[RawPaper]) -> Question:
    texts = [paper.text for paper in papers]
    request = predict_pb2.PredictRequest()
    request.model_spec.name = names.MODEL_NAME
    request.model_spec.signature_name = signature
    request.inputs[names.INPUT_TEXT].CopyFrom(tf.make_tensor_proto(texts, tf.string))
    return Question(
        name=signature,
        signature=signature,
        input_name=names.INPUT_TEXT,
        inputs=tuple(text.encode() for text in texts),
        requests=(request,),
        rest_verb="predict",
        rest_body={"signature_name": signature, "instances": texts},
    )


def _example_question(
    model: types.Artifact, signature: str, sample: types.Artifact, papers: Sequence[RawPaper]
) -> Question:
    """Asks over gRPC in the requests of TFX's builder, one for each paper."""
    spec = infra_validator_pb2.RequestSpec(
        split_name=names.VALIDATION,
        num_examples=len(papers),
        tensorflow_serving=infra_validator_pb2.TensorFlowServingRequestSpec(
            signature_names=[signature]
        ),
    )
    try:
        requests = request_builder.build_requests(names.MODEL_NAME, model, sample, spec)
    except ValueError as error:
        raise ModelFault(f"{signature}: no request can be made for it: {error}") from error
    # TFX's builder shuffles.
    records = [serialize_paper(paper) for paper in papers]
    place = {record: number for number, record in enumerate(records)}
    requests.sort(key=lambda request: place[_canonical(_record_of(request))])
    if signature == names.SIGNATURE_CLASSIFY:
        rest_verb, rest_body = "classify", _rest_examples(papers)
    else:
        instances = [{"b64": base64.b64encode(record).decode()} for record in records]
        rest_verb, rest_body = "predict", {"instances": instances}
    return Question(
        name=signature,
        signature=signature,
        input_name=names.INPUT_EXAMPLES,
        inputs=tuple(records),
        requests=tuple(requests),
        rest_verb=rest_verb,
        rest_body={"signature_name": signature, **rest_body},
    )


def _classify_text_question(papers: Sequence[RawPaper]) -> Question:
    """Asks for what a client with texts alone would send: no title, and no labels."""
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = names.MODEL_NAME
    request.model_spec.signature_name = names.SIGNATURE_CLASSIFY
    for paper in papers:
        feature = request.input.example_list.examples.add().features.feature
        feature[names.SUMMARIES].bytes_list.value.append(paper.text.encode())
    return Question(
        name=CLASSIFY_TEXT,
        signature=names.SIGNATURE_CLASSIFY,
        input_name=names.INPUT_EXAMPLES,
        inputs=tuple(each.SerializeToString() for each in request.input.example_list.examples),
        requests=(request,),
        rest_verb="classify",
        rest_body={
            "signature_name": names.SIGNATURE_CLASSIFY,
            "examples": [{names.SUMMARIES: paper.text} for paper in papers],
        },
    )


def _rest_examples(papers: Sequence[RawPaper]) -> dict[str, Any]:
    return {
        "examples": [
            {names.TITLES: paper.title, names.SUMMARIES: paper.abstract} for paper in papers
        ]
    }


def _write_sample(papers: Sequence[RawPaper], folder: Path) -> types.Artifact:
    """Writes an artifact of exactly these papers: TFX's builder would draw others each time."""
    split = folder / f"Split-{names.VALIDATION}"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "papers.gz"), "GZIP") as writer:
        for paper in papers:
            writer.write(serialize_paper(paper))
    sample = standard_artifacts.Examples()
    sample.uri = str(folder)
    sample.split_names = artifact_utils.encode_split_names([names.VALIDATION])
    examples_utils.set_payload_format(sample, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
    return sample


def _record_of(request: Request) -> bytes:
    if isinstance(request, classification_pb2.ClassificationRequest):
        (example,) = request.input.example_list.examples
        return bytes(example.SerializeToString())
    (record,) = request.inputs[names.INPUT_EXAMPLES].string_val
    return bytes(record)


def _canonical(record: bytes) -> bytes:
    """Returns the same bytes for the same example."""
    return bytes(tf.train.Example.FromString(record).SerializeToString(deterministic=True))
