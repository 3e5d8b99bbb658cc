"""Asks a server, and the exported model itself, and brings every answer into one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import grpc
import httpx
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, prediction_service_pb2_grpc

from components.infra_validator.faults import PASSING_CODES, ModelFault
from components.infra_validator.requests import Question
from components.infra_validator.server_process import ServerProcess
from schema import names
from schema.errors import TaggerError

# Output name to an array with a row for each paper; strings are `str` in arrays of objects.
Answer = Mapping[str, npt.NDArray[Any]]

# The proxy of a company answers for no loopback address, and a message may have any size.
_CHANNEL_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)
_PASSING_STATUS: Final = frozenset(
    {
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_MANY_REQUESTS,
        httpx.codes.SERVICE_UNAVAILABLE,
        httpx.codes.GATEWAY_TIMEOUT,
    }
)


def ask_over_grpc(
    questions: Sequence[Question], server: ServerProcess, timeout: float
) -> dict[str, Answer]:
    """Asks all questions over gRPC.

    Args:
        questions: What is asked.
        server: Who answers.
        timeout: Seconds for each request.

    Returns:
        The answers by the questions' names.

    Raises:
        ModelFault: The server refused a request, or crashed; it names each in the server's words.
        TaggerError: The server did not answer, for a reason that is not the model's.
    """
    answers: dict[str, Answer] = {}
    refused: list[str] = []
    with grpc.insecure_channel(server.grpc_address, options=_CHANNEL_OPTIONS) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for question in questions:
            try:
                answers[question.name] = _grpc_answer(question, stub, timeout)
            except grpc.RpcError as error:
                if error.code().name in PASSING_CODES:
                    _raise_no_answer(server, question, f"{error.code().name}: {error.details()}")
                refused.append(f"{question.name}: {error.code().name}: {error.details()}")
            except (LookupError, ValueError) as error:
                refused.append(f"{question.name}: the answers don't go together ({error!r})")
    return _complete(answers, refused)


def ask_over_rest(
    questions: Sequence[Question], server: ServerProcess, timeout: float
) -> dict[str, Answer]:
    """Asks all questions over REST; otherwise as `ask_over_grpc`."""
    answers: dict[str, Answer] = {}
    refused: list[str] = []
    model_url = f"{server.rest_url}/v1/models/{names.MODEL_NAME}"
    with httpx.Client(timeout=timeout, trust_env=False) as client:
        for question in questions:
            try:
                url = f"{model_url}:{question.rest_verb}"
                response = client.post(url, json=question.rest_body)
            except httpx.TransportError as error:
                _raise_no_answer(server, question, str(error) or type(error).__name__)
            told = f"HTTP {response.status_code}: {response.text[:500]}"
            if response.status_code in _PASSING_STATUS:
                _raise_no_answer(server, question, told)
            if response.status_code != httpx.codes.OK:
                refused.append(f"{question.name}: {told}")
                continue
            try:
                answers[question.name] = _read_rest(question, response.json())
            except (LookupError, TypeError, ValueError) as error:
                refused.append(f"{question.name}: the answer can't be read ({error!r}): {told}")
    return _complete(answers, refused)


def load_exported(path: str) -> Any:
    """Loads a SavedModel into this process, on the processor: a GPU would round otherwise.

    Raises:
        ModelFault: TensorFlow can't load it.
    """
    try:
        with tf.device("/CPU:0"):
            return tf.saved_model.load(path)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise
    except Exception as error:  # A damaged file ends in nearly any class.
        raise ModelFault(f"TensorFlow can't load the exported model: {error!r}") from error


def ask_exported(questions: Sequence[Question], model: Any) -> dict[str, Answer]:
    """Asks a model that `load_exported` returned.

    Raises:
        ModelFault: It has no such signature, or can't compute the answer.
    """
    answers: dict[str, Answer] = {}
    for question in questions:
        try:
            with tf.device("/CPU:0"):
                signature = model.signatures[question.signature]
                outputs = signature(**{question.input_name: tf.constant(question.inputs)})
        except tf.errors.ResourceExhaustedError:
            # The machine is short of memory: nothing that speaks against the model.
            raise
        except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
            raise ModelFault(f"{question.name}: {error}") from error
        answers[question.name] = {name: _plain(value.numpy()) for name, value in outputs.items()}
    return answers


def _grpc_answer(question: Question, stub: Any, timeout: float) -> Answer:
    parts: list[Answer] = []
    for request in question.requests:
        if isinstance(request, classification_pb2.ClassificationRequest):
            rows = stub.Classify(request, timeout=timeout).result.classifications
            parts.append(_classes([[(c.label, c.score) for c in row.classes] for row in rows]))
        else:
            outputs = stub.Predict(request, timeout=timeout).outputs
            parts.append({name: _plain(tf.make_ndarray(outputs[name])) for name in outputs})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _read_rest(question: Question, body: dict[str, Any]) -> Answer:
    if question.rest_verb == "classify":
        return _classes(body["results"])
    rows = body["predictions"]
    if isinstance(rows[0], dict):
        return {name: _plain(np.array([row[name] for row in rows])) for name in rows[0]}
    # A signature with one output answers without its name.
    return {names.OUTPUT_PROBABILITIES: _plain(np.array(rows))}


def _classes(rows: Sequence[Sequence[tuple[str, float]]]) -> Answer:
    """Returns the answer of a classification; ValueError where rows differ in length."""
    return {
        names.OUTPUT_CLASSES: _plain(np.array([[label for label, _ in row] for row in rows])),
        names.OUTPUT_SCORES: np.array([[score for _, score in row] for row in rows]),
    }


def _complete(answers: dict[str, Answer], refused: list[str]) -> dict[str, Answer]:
    if refused:
        raise ModelFault("\n".join(refused))
    return answers


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Makes `str` of what is bytes or numpy's strings; leaves every other array alone."""
    if values.dtype.kind not in "OSU":
        return values
    decoded = [
        each.decode("utf-8", "backslashreplace") if isinstance(each, bytes) else str(each)
        for each in values.ravel().tolist()
    ]
    return np.array(decoded, dtype=object).reshape(values.shape)


def _raise_no_answer(server: ServerProcess, question: Question, told: str) -> NoReturn:
    """Raises, as the fault of the model where the server broke down over it."""
    server.raise_if_ended(wait=1.0)
    raise TaggerError(
        f"The {server.kind} gave no answer to {question.name} ({told}). Raise "
        "infra.request_timeout_seconds, or run again when the machine is less busy.\n"
        f"{server.last_words()}"
    )
