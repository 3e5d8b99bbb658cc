"""The gRPC services: TF Serving's PredictionService and ModelService, and the health service."""

from __future__ import annotations

import functools
import itertools
import logging
import os
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest, ReloadConfigResponse
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from serving.server.access import NO_TOKEN, brings_token
from serving.server.api import inference
from serving.server.config import list_models
from serving.server.errors import ServingError, invalid_argument
from serving.server.monitoring import Monitoring
from serving.server.options import ServerOptions
from serving.server.store.models import ModelStore
from serving.server.wire import field_ends

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
# Inputs, filters and tasks of a message that is large.
_LARGE_BYTES: Final = 64 * 1024
_MOST_FIELDS: Final = 1000
_NO_THREAD: Final = "Server Threadpool Exhausted"
_PREDICTION_SERVICE: Final = "tensorflow.serving.PredictionService"
_MODEL_SERVICE: Final = "tensorflow.serving.ModelService"
# What each kind of inference takes, and what answers it.
_INFERENCE: Final[dict[str, tuple[type[Message], Callable[..., Awaitable[Message | bytes]]]]] = {
    "Predict": (PredictRequest, inference.predict),
    "Classify": (ClassificationRequest, inference.run_examples),
    "Regress": (RegressionRequest, inference.run_examples),
    "MultiInference": (MultiInferenceRequest, inference.multi_inference),
}
# By TF Serving's short names, and by the full ones that clients expect.
_HEALTH_NAMES: Final = (
    "",
    "PredictionService",
    "ModelService",
    _PREDICTION_SERVICE,
    _MODEL_SERVICE,
)

_Context: TypeAlias = grpc.aio.ServicerContext


def make_grpc_server(
    models: ModelStore, monitoring: Monitoring, options: ServerOptions, token: bytes | None
) -> grpc.aio.Server:
    """Returns a server with TF Serving's services, which does not listen yet.

    The token is what calls must bring, but for those of the health service.
    """
    # Of a message, unpacked.
    limit = ("grpc.max_receive_message_length", options.max_computing_bytes)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    connections = ("grpc.max_allowed_incoming_connections", files // 4)
    server = grpc.aio.server(options=(limit, connections, *_OPTIONS))
    threads = options.grpc_max_threads or 4 * len(os.sched_getaffinity(0))
    server.add_generic_rpc_handlers(_Services(models, monitoring, threads, token).handlers())
    return server


class _Services:
    """Answers the calls of both services; errors carry TF Serving's code and message.

    As many are let in at once as TF Serving has threads for, and what is refused is not counted
    as a request, as there. A call takes its place when its message is there: one that never comes
    takes none.

    Source: gRPC's src/cpp/thread_manager/thread_manager.cc, where one thread is kept to wait for
    the next call, and src/cpp/server/server_cc.cc.
    """

    def __init__(
        self, models: ModelStore, monitoring: Monitoring, threads: int, token: bytes | None
    ) -> None:
        self._models = models
        self._monitoring = monitoring
        self._most = max(1, threads - 1)
        self._busy = 0
        self._token = token

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        prediction = {
            api: self._handler(kind, functools.partial(self._infer, api, run))
            for api, (kind, run) in _INFERENCE.items()
        }
        prediction["GetModelMetadata"] = self._handler(GetModelMetadataRequest, self._get_metadata)
        management = {
            "GetModelStatus": self._handler(GetModelStatusRequest, self._get_status),
            "HandleReloadConfigRequest": self._handler(ReloadConfigRequest, self._reload),
        }
        return [
            grpc.method_handlers_generic_handler(_PREDICTION_SERVICE, prediction),
            grpc.method_handlers_generic_handler(_MODEL_SERVICE, management),
        ]

    def _handler(
        self, kind: Any, answer: Callable[[Any, _Context], Awaitable[Message | bytes]]
    ) -> grpc.RpcMethodHandler:
        expected = kind.DESCRIPTOR.full_name

        async def handle(content: bytes, context: _Context) -> Any:
            failure = self._refusal(context)
            if failure is None:
                self._busy += 1
                try:
                    response = await answer(_parse(kind, content), context)
                    if isinstance(response, Message):
                        return response.SerializeToString()
                    return response
                except DecodeError:
                    failure = grpc.StatusCode.INTERNAL, f"The message is not a {expected}"
                except Exception as error:  # noqa: BLE001
                    failure = _describe(error)
                finally:
                    self._busy -= 1
            # What ends a call lives until garbage is collected, with all that its trace leads to.
            del content
            code, message = failure
            await context.abort(code, cut_message(message))

        return grpc.unary_unary_rpc_method_handler(handle)

    def _refusal(self, context: _Context) -> tuple[grpc.StatusCode, str] | None:
        if self._token:
            given = dict(context.invocation_metadata() or ()).get("authorization", "")
            if not brings_token(str(given).encode(), self._token):
                return grpc.StatusCode.UNAUTHENTICATED, NO_TOKEN
        if self._busy >= self._most:
            return grpc.StatusCode.RESOURCE_EXHAUSTED, _NO_THREAD
        return None

    async def _infer(
        self,
        api: str,
        run: Callable[..., Awaitable[Message | bytes]],
        request: Any,
        context: _Context,
    ) -> Message | bytes:
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

    async def _get_metadata(self, request: GetModelMetadataRequest, _: _Context) -> Message:
        spec = _model_spec(request)
        inference.check_metadata_fields(request)
        with self._models.lease(spec) as servable:
            return inference.metadata(servable)

    async def _get_status(self, request: GetModelStatusRequest, _: _Context) -> Message:
        return self._models.status(_model_spec(request))

    async def _reload(self, request: ReloadConfigRequest, _: _Context) -> Message:
        """Takes another list of models, and answers when they serve.

        A failure is the status of the call, as in model_servers/model_service_impl.cc: a client
        gets the response's own status only where all went well.
        """
        try:
            await self._models.reload(list_models(request.config))
        except Exception as error:
            _logger.error("ReloadConfig failed: %s", error)
            raise
        response = ReloadConfigResponse()
        response.status.SetInParent()
        return response


async def add_health_service(server: grpc.aio.Server) -> health.aio.HealthServicer:
    """Adds the standard health service, which reports both services as SERVING."""
    servicer = health.aio.HealthServicer()
    for name in _HEALTH_NAMES:
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    return servicer


def _parse(kind: Any, content: bytes) -> Any:
    """Reads a message, unless it has so many fields that nothing else would get its turn.

    Raises:
        DecodeError: It is none.
        ServingError: It has.
    """
    if len(content) > _LARGE_BYTES:
        try:
            fields = sum(1 for _ in itertools.islice(field_ends(content), _MOST_FIELDS + 1))
        except IndexError as error:
            raise DecodeError("cut short") from error
        if fields > _MOST_FIELDS:
            raise invalid_argument(f"The message has more than {_MOST_FIELDS} fields.")
    return kind.FromString(content)


def _model_spec(request: Any) -> ModelSpec:
    """Returns which model a request asks for."""
    if isinstance(request, MultiInferenceRequest):
        return request.tasks[0].model_spec if request.tasks else ModelSpec()
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return request.model_spec


def _describe(error: Exception) -> tuple[grpc.StatusCode, str]:
    """Returns code and message of an error; the stack trace of a fault goes to the log only."""
    if isinstance(error, ServingError):
        return error.code, error.message
    _logger.error("A request failed", exc_info=error)
    return grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"


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
