"""Asks a model server over gRPC (`PredictionService.Predict`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import grpc

from schema import names
from serving.client.messages import (
    DT_STRING,
    PREDICT_METHOD,
    PredictRequest,
    PredictResponse,
    read_tensor,
)
from serving.client.transport import Access, CallError, Fault, Target, to_suggestions
from serving.suggestion import Suggestions

_OPTIONS: Final = (
    # Any size, as on the server.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # The client has its own back-off; a channel that waited longer would fail the client's tries
    # without looking for the server.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
    # A model server stands in the local network, not behind the environment's proxy.
    ("grpc.enable_http_proxy", 0),
)
_FAULTS: Final = {
    grpc.StatusCode.UNAVAILABLE: Fault.UNAVAILABLE,
    grpc.StatusCode.UNAUTHENTICATED: Fault.DENIED,
    grpc.StatusCode.PERMISSION_DENIED: Fault.DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Fault.BUSY,
    grpc.StatusCode.DEADLINE_EXCEEDED: Fault.TIMEOUT,
    grpc.StatusCode.NOT_FOUND: Fault.NOT_FOUND,
    grpc.StatusCode.INVALID_ARGUMENT: Fault.INVALID,
    grpc.StatusCode.FAILED_PRECONDITION: Fault.INVALID,
    # The server speaks another API.
    grpc.StatusCode.UNIMPLEMENTED: Fault.BAD_ANSWER,
}
_TLS_WORDS: Final = "handshake failed|Cannot check peer|not in peer certificate|Verification Check"


class GrpcTransport:
    """A channel to one server.

    Args:
        address: HOST:PORT.
        access: What the server wants.
    """

    def __init__(self, address: str, access: Access) -> None:
        self._channel = open_channel(address, access)
        self._address = address
        self._headers = access.headers
        self._predict = self._channel.unary_unary(
            PREDICT_METHOD,
            request_serializer=PredictRequest.SerializeToString,
            response_deserializer=PredictResponse.FromString,
        )

    def predict(self, target: Target, texts: Sequence[str], timeout: float) -> list[Suggestions]:
        """Asks once; see `Transport`."""
        try:
            response = self._predict(make_request(target, texts), timeout, self._headers)
        except grpc.RpcError as error:
            detail = error.details() or error.code().name
            fault = _FAULTS.get(error.code(), Fault.SERVER)
            if fault is Fault.UNAVAILABLE and re.search(_TLS_WORDS, detail):
                fault = Fault.UNREACHABLE
            # Of a name's addresses another one may have answered.
            elif "Connection refused" in detail and self._address in detail:
                fault = Fault.REFUSED
            raise CallError(fault, detail) from error
        outputs = {}
        for name, tensor in response.outputs.items():
            try:
                outputs[name] = read_tensor(tensor)
            except ValueError as error:
                raise CallError(
                    Fault.BAD_ANSWER, f"the output {name!r} can't be read: {error}"
                ) from error
        return to_suggestions(len(texts), outputs)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()


def open_channel(address: str, access: Access) -> grpc.Channel:
    """Returns what sends requests to the server at HOST:PORT."""
    if not access.verify:
        return grpc.insecure_channel(address, options=_OPTIONS)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(access.roots), _OPTIONS)


def make_request(target: Target, texts: Sequence[str]) -> Any:
    """Makes the PredictRequest that asks for the labels of texts."""
    request = PredictRequest()
    request.model_spec.name = target.model
    request.model_spec.signature_name = target.signature
    if target.version is not None:
        request.model_spec.version.value = target.version
    elif target.label is not None:
        request.model_spec.version_label = target.label
    tensor = request.inputs[names.INPUT_TEXT]
    tensor.dtype = DT_STRING
    tensor.tensor_shape.dim.add().size = len(texts)
    tensor.string_val.extend(text.encode("utf-8") for text in texts)
    return request
