"""The gRPC services: TF Serving's PredictionService and ModelService, and the health service."""

# The methods have the names of the services' definitions.
# ruff: noqa: N802

from __future__ import annotations

import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.api import inference
from serving.server.auth_token import brings_token
from serving.server.config import list_models
from serving.server.errors import ServingError, internal, invalid_argument
from serving.server.monitoring import Monitoring
from serving.server.store.models import ModelStore
from serving.server.store.servable import Servable

_logger = logging.getLogger(__name__)

_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    # Else a second server would silently share the port.
    ("grpc.so_reuseport", 0),
    # Connections that say nothing are closed.
    ("grpc.server_handshake_timeout_ms", 20_000),
)
# In bytes: a message travels in a header, of which clients accept 8 KiB.
_LONGEST_MESSAGE: Final = 6000
_NO_THREAD: Final = "Server Threadpool Exhausted"
_NO_TOKEN: Final = "Send the token of this server as metadata: authorization: Bearer TOKEN"
_PREDICTION_SERVICE: Final = "tensorflow.serving.PredictionService"
_MODEL_SERVICE: Final = "tensorflow.serving.ModelService"
# What each method takes. The official definitions of the services need an older protobuf.
_REQUESTS: Final[dict[str, type[Message]]] = {
    "Classify": classification_pb2.ClassificationRequest,
    "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
    "HandleReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
    "MultiInference": inference_pb2.MultiInferenceRequest,
    "Predict": predict_pb2.PredictRequest,
    "Regress": regression_pb2.RegressionRequest,
}
# By TF Serving's short names, and by the full ones that clients expect.
_HEALTH_NAMES: Final = (
    "",
    "PredictionService",
    "ModelService",
    _PREDICTION_SERVICE,
    _MODEL_SERVICE,
)

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Context: TypeAlias = grpc.aio.ServicerContext


def make_grpc_server(
    models: ModelStore,
    monitoring: Monitoring,
    arguments: Sequence[tuple[str, str | int]] = (),
    *,
    most_bytes: int,
    max_threads: int | None = None,
    token: bytes | None = None,
) -> grpc.aio.Server:
    """Returns a server with TF Serving's services, which does not listen yet.

    Args:
        models: What is served.
        monitoring: Counts the requests.
        arguments: Of the gRPC server.
        most_bytes: Of a message, unpacked; the arguments may say otherwise.
        max_threads: `--grpc_max_threads`: how many calls are answered at once; four to a core
            where None.
        token: What calls must bring, but for those of the health service.
    """
    limit = ("grpc.max_receive_message_length", most_bytes)
    server = grpc.aio.server(options=(*arguments, limit, *_OPTIONS))
    entrance = _Entrance(max_threads or 4 * len(os.sched_getaffinity(0)), token)
    server.add_generic_rpc_handlers(
        [
            entrance.handlers(_PREDICTION_SERVICE, PredictionService(models, monitoring)),
            entrance.handlers(_MODEL_SERVICE, ModelService(models)),
        ]
    )
    return server


class _Entrance:
    """Lets in calls that may be answered, and refuses the rest, which is not counted, as there.

    As many are let in at once as TF Serving has threads for. A call takes its place when its
    message is there: one that never comes takes none.

    Source: gRPC's src/cpp/thread_manager/thread_manager.cc, where one thread is kept to wait for
    the next call, and src/cpp/server/server_cc.cc.
    """

    def __init__(self, threads: int, token: bytes | None) -> None:
        self._most = max(1, threads - 1)
        self._busy = 0
        self._token = token

    def handlers(self, service: str, servicer: object) -> grpc.GenericRpcHandler:
        """Returns what answers the methods of a service."""
        return grpc.method_handlers_generic_handler(
            service,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    self._handler(getattr(servicer, name), kind)
                )
                for name, kind in _REQUESTS.items()
                if hasattr(servicer, name)
            },
        )

    def _handler(
        self, answer: Callable[[Any, _Context], Awaitable[Message | bytes]], kind: Any
    ) -> Callable[[bytes, _Context], Awaitable[bytes]]:
        expected = kind.DESCRIPTOR.full_name

        async def handle(content: bytes, context: _Context) -> bytes:
            if self._token and not _brings_token(context, self._token):
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, _NO_TOKEN)
            if self._busy >= self._most:
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, _NO_THREAD)
            self._busy += 1
            try:
                response = await answer(kind.FromString(content), context)
            except DecodeError:
                await _abort(context, internal(f"The message is not a {expected}"))
            except Exception as error:  # noqa: BLE001
                await _abort(context, error)
            finally:
                self._busy -= 1
            return response if isinstance(response, bytes) else bytes(response.SerializeToString())

        return handle


async def add_health_service(server: grpc.aio.Server) -> health.aio.HealthServicer:
    """Adds the standard health service, which reports both services as SERVING."""
    servicer = health.aio.HealthServicer()
    for name in _HEALTH_NAMES:
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    return servicer


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers requests for inference; errors carry TF Serving's code and message."""

    def __init__(self, models: ModelStore, monitoring: Monitoring) -> None:
        self._models = models
        self._monitoring = monitoring

    async def Predict(self, request: predict_pb2.PredictRequest, context: _Context) -> bytes:
        """Runs a signature on tensors; the answer is a serialized PredictResponse."""
        return await self._answer(inference.predict, request, "Predict", context)

    async def Classify(
        self, request: classification_pb2.ClassificationRequest, context: _Context
    ) -> classification_pb2.ClassificationResponse:
        """Runs a classify signature on examples."""
        return await self._answer(inference.classify, request, "Classify", context)

    async def Regress(
        self, request: regression_pb2.RegressionRequest, context: _Context
    ) -> regression_pb2.RegressionResponse:
        """Runs a regress signature on examples."""
        return await self._answer(inference.regress, request, "Regress", context)

    async def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, context: _Context
    ) -> inference_pb2.MultiInferenceResponse:
        """Runs several signatures of a model on the same examples."""
        return await self._answer(inference.multi_inference, request, "MultiInference", context)

    async def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: _Context
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Returns the signatures of a model."""
        spec = _model_spec(request)
        inference.check_metadata_fields(request)
        with self._models.lease(spec) as servable:
            return inference.metadata(servable)

    async def _answer(
        self,
        run: Callable[[Servable, _Request, float | None], Awaitable[_Response]],
        request: _Request,
        api: str,
        context: _Context,
    ) -> _Response:
        started = time.perf_counter()
        name, status = "", grpc.StatusCode.CANCELLED
        try:
            spec = _model_spec(request)
            name = spec.name
            with self._models.lease(spec) as servable:
                response = await run(servable, request, context.time_remaining())
            status = grpc.StatusCode.OK
        except Exception as error:
            status = error.code if isinstance(error, ServingError) else grpc.StatusCode.INTERNAL
            raise
        finally:
            seconds = time.perf_counter() - started
            self._monitoring.record(name, api, "GRPC", status, seconds)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Reports and changes which models are served."""

    def __init__(self, models: ModelStore) -> None:
        self._models = models

    async def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: _Context
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Returns the states of a model's versions."""
        return self._models.status(_model_spec(request))

    async def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, context: _Context
    ) -> model_management_pb2.ReloadConfigResponse:
        """Takes another list of models, and answers when they serve.

        A failure is the status of the call, as in model_servers/model_service_impl.cc: a client
        gets the response's own status only where all went well.
        """
        try:
            await self._models.reload(list_models(request.config))
        except Exception as error:
            _logger.error("ReloadConfig failed: %s", error)
            raise
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response


def _brings_token(context: _Context, token: bytes) -> bool:
    headers = dict(context.invocation_metadata() or ())
    return brings_token(str(headers.get("authorization", "")).encode(), token)


def _model_spec(request: Any) -> ModelSpec:
    """Returns which model a request asks for."""
    if isinstance(request, inference_pb2.MultiInferenceRequest):
        return request.tasks[0].model_spec if request.tasks else ModelSpec()
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return request.model_spec


async def _abort(context: _Context, error: Exception) -> Any:
    """Ends a call with an error; the stack trace of a fault goes to the log only."""
    if not isinstance(error, ServingError):
        _logger.error("A request failed", exc_info=error)
        error = internal(f"{type(error).__name__}: {error}")
    await context.abort(error.code, cut_message(error.message))


def cut_message(message: str) -> str:
    """Returns as much of the start of a message as fits a header.

    There each byte of UTF-8 that is not printable ASCII takes three.

    Source: the gRPC protocol over HTTP/2, "Responses", Percent-Encoded.
    """
    size = 0
    for place, letter in enumerate(message):
        plain = " " <= letter <= "~" and letter != "%"
        size += 1 if plain else 3 * len(letter.encode("utf-8", "replace"))
        if size > _LONGEST_MESSAGE:
            return message[:place]
    return message
