"""Asks a server, and the exported model itself, and brings all answers into one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import grpc
import httpx
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc

from components.infra_validator.requests import ProbeRequest
from components.infra_validator.server_process import (
    TRANSIENT_CODES,
    ServerProcess,
    UnservableModelError,
)
from schema import names
from schema.errors import TaggerError
from serving.client.grpc_transport import open_channel
from serving.client.transport import Access

# Output name to an array with a row for each paper; strings are `str` in arrays of objects.
Answer = Mapping[str, npt.NDArray[Any]]

_TRANSIENT_STATUS: Final = frozenset(
    {
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_MANY_REQUESTS,
        httpx.codes.SERVICE_UNAVAILABLE,
        httpx.codes.GATEWAY_TIMEOUT,
    }
)

# A machine that is out of memory says nothing about the model.
_NO_MEMORY: Final = (MemoryError, tf.errors.ResourceExhaustedError)


def ask_over_grpc(
    questions: Sequence[ProbeRequest], server: ServerProcess, timeout: float
) -> dict[str, Answer]:
    """Asks all questions over gRPC.

    Args:
        questions: What is asked.
        server: The server that answers.
        timeout: Seconds for each request.

    Returns:
        The answers by the names of the questions.

    Raises:
        UnservableModelError: The server refused requests, or crashed; the message quotes it.
        TaggerError: The server gave no answer, for a reason that is not the model's.
    """
    with open_channel(server.grpc_address, Access()) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        def ask(question: ProbeRequest) -> Answer:
            try:
                return _ask_stub(stub, question, timeout)
            except grpc.RpcError as error:
                message = f"{error.code().name}: {error.details()}"
                if error.code().name in TRANSIENT_CODES:
                    _raise_no_answer(server, question, message)
                raise UnservableModelError(message) from error

        return _ask_each(questions, ask)


def ask_over_rest(
    questions: Sequence[ProbeRequest], server: ServerProcess, timeout: float
) -> dict[str, Answer]:
    """Asks all questions over REST; otherwise as `ask_over_grpc`."""
    model_url = f"{server.rest_url}/v1/models/{names.MODEL_NAME}"
    with httpx.Client(timeout=timeout, trust_env=False) as client:

        def ask(question: ProbeRequest) -> Answer:
            url = f"{model_url}:{question.rest_verb}"
            try:
                response = client.post(url, json=question.rest_body())
            except httpx.TransportError as error:
                _raise_no_answer(server, question, str(error) or type(error).__name__)
            message = f"HTTP {response.status_code}: {response.text[:500]}"
            if response.status_code in _TRANSIENT_STATUS:
                _raise_no_answer(server, question, message)
            if response.status_code != httpx.codes.OK:
                raise UnservableModelError(message)
            try:
                return _read_rest(question, response.json())
            except (LookupError, TypeError, ValueError) as error:
                raise UnservableModelError(f"unreadable answer ({error!r}): {message}") from error

        return _ask_each(questions, ask)


def load_and_ask(questions: Sequence[ProbeRequest], saved_model: Path) -> dict[str, Answer]:
    """Asks all questions of the exported model itself, in this process.

    On the CPU, as the server: a GPU rounds differently.

    Args:
        questions: What is asked.
        saved_model: Folder of the SavedModel.

    Raises:
        UnservableModelError: TensorFlow can't load it, or a signature is missing or fails.
    """
    with tf.device("/CPU:0"):
        try:
            model = tf.saved_model.load(str(saved_model))
        except _NO_MEMORY:
            raise
        except Exception as error:  # A damaged file can raise nearly anything.
            raise UnservableModelError(f"TensorFlow can't load the model: {error!r}") from error
        return _ask_each(questions, lambda question: _ask_signatures(model.signatures, question))


def _ask_each(
    questions: Sequence[ProbeRequest], ask: Callable[[ProbeRequest], Answer]
) -> dict[str, Answer]:
    """Asks one question after the other; a UnservableModelError lists every one that failed."""
    answers: dict[str, Answer] = {}
    faults: list[str] = []
    for question in questions:
        try:
            answers[question.name] = ask(question)
        except UnservableModelError as fault:
            faults.append(f"{question.name}: {fault}")
    if faults:
        raise UnservableModelError("\n".join(faults))
    return answers


def _ask_signatures(signatures: Mapping[str, Any], question: ProbeRequest) -> Answer:
    if question.signature not in signatures:
        raise UnservableModelError("the model has no such signature")
    inputs = {question.input_name: tf.constant(question.inputs)}
    try:
        outputs = signatures[question.signature](**inputs)
    except _NO_MEMORY:
        raise
    except (TypeError, ValueError, tf.errors.OpError) as error:
        raise UnservableModelError(str(error)) from error
    return {name: _with_strings(value.numpy()) for name, value in outputs.items()}


def _ask_stub(stub: Any, question: ProbeRequest, timeout: float) -> Answer:
    request = question.grpc_request()
    if question.rest_verb == "classify":
        rows = stub.Classify(request, timeout=timeout).result.classifications
        try:
            return _classes([[(each.label, each.score) for each in row.classes] for row in rows])
        except ValueError as error:
            raise UnservableModelError(f"unreadable answer ({error})") from error
    outputs = stub.Predict(request, timeout=timeout).outputs
    return {name: _with_strings(tf.make_ndarray(outputs[name])) for name in outputs}


def _read_rest(question: ProbeRequest, body: dict[str, Any]) -> Answer:
    if question.rest_verb == "classify":
        return _classes(body["results"])
    rows = body["predictions"]
    if isinstance(rows[0], dict):
        return {name: _with_strings(np.array([row[name] for row in rows])) for name in rows[0]}
    # A signature with one output answers without its name.
    return {names.OUTPUT_PROBABILITIES: np.array(rows)}


def _classes(rows: Sequence[Sequence[tuple[str, float]]]) -> Answer:
    """Returns the answer of a classification; ValueError where rows differ in length."""
    return {
        names.OUTPUT_CLASSES: _with_strings(
            np.array([[label for label, _ in row] for row in rows])
        ),
        names.OUTPUT_SCORES: np.array([[score for _, score in row] for row in rows]),
    }


def _with_strings(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns bytes and numpy's strings as `str` objects, and any other array as it is."""
    if values.dtype.kind not in "OSU":
        return values
    decoded = [
        each.decode("utf-8", "backslashreplace") if isinstance(each, bytes) else str(each)
        for each in values.ravel().tolist()
    ]
    return np.array(decoded, dtype=object).reshape(values.shape)


def _raise_no_answer(server: ServerProcess, question: ProbeRequest, message: str) -> NoReturn:
    """Raises UnservableModelError if the request crashed the server, else TaggerError."""
    server.raise_if_ended(wait=1.0)
    raise TaggerError(
        f"The {server.kind} gave no answer to {question.name} ({message}). Raise "
        "infra.request_timeout_seconds, or run again when the machine is less busy.\n"
        f"{server.log_tail()}"
    )
