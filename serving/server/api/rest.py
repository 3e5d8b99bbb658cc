"""The REST API of TF Serving, the page to try a model, and the metrics, as an ASGI application."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import zlib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote

import grpc
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, regression_pb2
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.api import json_text, rest_answers
from serving.server.api.inference import Inference, run_signature
from serving.server.api.rest_examples import fill_examples
from serving.server.api.rest_json import predict_inputs, signature_name
from serving.server.config import MonitoringOptions
from serving.server.errors import ServingError, invalid_argument
from serving.server.model.signatures import DEFAULT_SIGNATURE
from serving.server.monitoring import CONTENT_TYPE, Monitoring
from serving.server.store.model_status import model_status
from serving.server.store.models import ModelStore
from serving.versions import LARGEST_VERSION

_logger = logging.getLogger(__name__)

# The paths of model_servers/http_rest_api_util.cc.
_MODEL: Final = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST: Final = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_MODEL}:(?P<method>classify|regress|predict)", re.I | re.A
)
_GET: Final = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_MODEL}(?:/(?P<method>metadata))?", re.I | re.A
)
_API: Final = re.compile(r"/v1/.*", re.I)

# ToHTTPStatusCode in model_servers/http_server.cc.
_HTTP_STATUS: Final = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
_SERVER_FAULT: Final = 500

# From this size on, in bytes or elements, text and tensors are changed into one another beside
# the event loop: it would stand still for more than a millisecond or so.
_MANY_BYTES: Final = 64 * 1024
_MANY_ELEMENTS: Final = 2048
# What TF Serving unpacks of a body at most.
_MOST_UNPACKED: Final = 100 * 1024 * 1024

# What the page has in place of the name of a model, as JSON.
_MODEL_NAME: Final = "__MODEL_NAME__"

_T = TypeVar("_T")


def make_rest_app(
    models: ModelStore,
    inference: Inference,
    monitoring: Monitoring,
    *,
    timeout: float | None,
    metrics: MonitoringOptions,
) -> Starlette:
    """Returns the application.

    Args:
        models: What is served.
        inference: Computes the requests.
        monitoring: Counts them.
        timeout: Seconds that a request may take; None: as long as it likes.
        metrics: Where the metrics are shown, if at all.
    """
    page = files("serving.server").joinpath("page/index.html").read_text(encoding="utf-8")

    def show_page(_: Request) -> Response:
        name = json.dumps(models.names[0]).replace("<", "\\u003c") if models.names else _MODEL_NAME
        return HTMLResponse(page.replace(_MODEL_NAME, name))

    def show_metrics(_: Request) -> Response:
        return PlainTextResponse(monitoring.text(), headers={"content-type": CONTENT_TYPE})

    routes = [Route("/", show_page)]
    if metrics.enabled:
        routes.append(Route(metrics.path, show_metrics))
    routes.append(Route("/{path:path}", RestApi(models, inference, monitoring, timeout)))
    return Starlette(routes=routes)


class _Call(NamedTuple):
    """What a request asks for: a method of a model."""

    method: str
    spec: ModelSpec


class RestApi:
    """Answers the paths under /v1 as TF Serving does, and refuses all others."""

    def __init__(
        self,
        models: ModelStore,
        inference: Inference,
        monitoring: Monitoring,
        timeout: float | None,
    ) -> None:
        self._models = models
        self._inference = inference
        self._monitoring = monitoring
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI)."""
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        target = scope["raw_path"].decode("latin-1")
        if not _API.fullmatch(target):
            text = rest_answers.error_json(f"Not found: {request.method} {target}")
            await _json_response(text, 404)(scope, receive, send)
            return
        if scope["query_string"]:
            target += f"?{scope['query_string'].decode('latin-1')}"
        packed = "gzip" in request.headers.get("content-encoding", "")
        status, text = await self._answer(request.method, target, body, packed)
        await _json_response(text, _HTTP_STATUS.get(status, _SERVER_FAULT))(scope, receive, send)

    async def _answer(
        self, verb: str, target: str, body: bytes, packed: bool
    ) -> tuple[grpc.StatusCode, str]:
        started = time.perf_counter()
        status, call = grpc.StatusCode.OK, None
        try:
            call = _find_call(verb, target)
            if packed:
                body = await asyncio.to_thread(_unpack, body)
            text = await self._handle(call, body)
        except ServingError as error:
            status, text = error.code, rest_answers.error_json(error.message)
        except Exception as error:
            _logger.exception("A request failed: %s %s", verb, target)
            status = grpc.StatusCode.INTERNAL
            text = rest_answers.error_json(f"{type(error).__name__}: {error}")
        if call and verb == "POST":
            seconds = time.perf_counter() - started
            self._monitoring.record(call.spec.name, call.method, "REST", status, seconds)
        return status, text

    async def _handle(self, call: _Call, body: bytes) -> str:
        match call.method:
            case "predict":
                return await self._predict(call.spec, body)
            case "classify":
                classify = classification_pb2.ClassificationRequest(model_spec=call.spec)
                return await self._on_examples(
                    classify, body, self._inference.classify, rest_answers.classify_json
                )
            case "regress":
                regress = regression_pb2.RegressionRequest(model_spec=call.spec)
                return await self._on_examples(
                    regress, body, self._inference.regress, rest_answers.regress_json
                )
            case "metadata":
                metadata = get_model_metadata_pb2.GetModelMetadataRequest(
                    model_spec=call.spec, metadata_field=["signature_def"]
                )
                return rest_answers.metadata_json(self._inference.metadata(metadata))
        return rest_answers.status_json(model_status(self._models, call.spec))

    async def _on_examples(
        self,
        request: Any,
        body: bytes,
        compute: Callable[[Any, float | None], Awaitable[Any]],
        write: Callable[[Any], str],
    ) -> str:
        large = len(body) >= _MANY_BYTES
        await _beside(large, _fill_request, request, body)
        answer = await compute(request, self._timeout)
        return await _beside(large, write, answer.result)

    async def _predict(self, spec: ModelSpec, body: bytes) -> str:
        large = len(body) >= _MANY_BYTES
        document = await _beside(large, json_text.parse, body)
        name = signature_name(document)
        with self._models.lease(spec) as servable:
            key = name or DEFAULT_SIGNATURE
            signature = servable.model.signatures.get(key)
            if signature is None:
                raise invalid_argument(
                    f'Serving signature name: "{key}" not found in signature def'
                )
            inputs = await _beside(large, predict_inputs, document, signature.inputs)
            outputs = await run_signature(servable, name, inputs.tensors, timeout=self._timeout)
        large = sum(tensor.size for tensor in outputs.values()) >= _MANY_ELEMENTS
        return await _beside(large, rest_answers.predict_json, outputs, by_row=inputs.by_row)


def _find_call(verb: str, target: str) -> _Call:
    """Returns what a path asks for.

    Raises:
        ServingError: It is none of the API's paths, or not with this verb.
    """
    pattern = {"POST": _POST, "GET": _GET}.get(verb)
    match = pattern.fullmatch(target) if pattern else None
    # Paths may have letters of either case, the names of methods not.
    if match is None or (match["method"] or "") != (match["method"] or "").lower():
        raise invalid_argument(f"Malformed request: {verb} {target}")
    if not match["name"]:
        raise invalid_argument("Missing model name in request.")
    spec = ModelSpec(name=unquote(match["name"]))
    if match["version"]:
        digits = match["version"].lstrip("0") or "0"
        # Python refuses to read thousands of digits.
        if len(digits) > len(str(LARGEST_VERSION)) or int(digits) > LARGEST_VERSION:
            raise invalid_argument(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(digits)
    if match["label"]:
        spec.version_label = unquote(match["label"])
    return _Call(match["method"] or "status", spec)


def _fill_request(request: Any, body: bytes) -> None:
    document = json_text.parse(body)
    try:
        request.model_spec.signature_name = signature_name(document)
        fill_examples(document, request.input)
    except UnicodeEncodeError:
        raise invalid_argument("A name in the request is not UTF-8") from None


def _unpack(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, _MOST_UNPACKED)
    except zlib.error as error:
        raise invalid_argument(f"Failed to uncompress the gzipped body: {error}") from None
    if not unpacker.eof:
        raise invalid_argument("Failed to uncompress the gzipped body: it is cut off or too large")
    return unpacked


async def _beside(large: bool, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    """Calls a function; what is large, in a thread beside the event loop."""
    if large:
        return await asyncio.to_thread(function, *args, **kwargs)
    return function(*args, **kwargs)


def _json_response(text: str, status: int) -> Response:
    return Response(json_text.encode(text), status, media_type="application/json")
