"""The REST API of TF Serving, the page to try a model, and the metrics, as an ASGI app."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import grpc
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from serving.server.api import inference, json_document, rest_answers
from serving.server.api.openapi import show_document, show_reference
from serving.server.api.page import show_page
from serving.server.api.rest_request import fill_examples, predict_inputs, too_large, unpack
from serving.server.errors import (
    ServingError,
    failed_precondition,
    invalid_argument,
    resource_exhausted,
)
from serving.server.model.runners import MANY_ELEMENTS, in_thread_if
from serving.server.model.signatures import DEFAULT_SIGNATURE
from serving.server.monitoring import Monitoring
from serving.server.options import ServerOptions
from serving.server.store.models import ModelStore
from serving.versions import LARGEST_VERSION

_Document: TypeAlias = dict[str, Any]

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
_VERBS: Final = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
_ORIGIN: Final = re.compile(r"https?://")
# AddCORSHeaders there.
_CORS: Final = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}

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

# From so many bytes on JSON is read in a thread: the event loop would stand still for more than a
# millisecond or so.
_MANY_BYTES: Final = 64 * 1024
# So many of the largest bodies are held at once.
_MOST_AT_ONCE: Final = 4

# By method: the request, and what writes the result.
_ON_EXAMPLES: Final[dict[str, tuple[Any, Callable[[Any], str]]]] = {
    "classify": (ClassificationRequest, rest_answers.classify_json),
    "regress": (RegressionRequest, rest_answers.regress_json),
}


def make_rest_app(
    models: ModelStore, monitoring: Monitoring, options: ServerOptions, metrics: str | None
) -> Starlette:
    """Returns the application; without a path for the metrics it has none."""

    def show_metrics(request: Request) -> Response:
        text, status = monitoring.text(), 200
        if query := request.url.query:
            text, status = f"Unexpected path: {metrics}?{query}. Should be {metrics}", 400
        return Response(text, status, {"content-type": "text/plain"})

    routes = [
        Route("/", functools.partial(show_page, models)),
        Route("/openapi.json", functools.partial(show_document, models, options)),
        Route("/docs", show_reference),
    ]
    if metrics:
        routes.append(Route(metrics, show_metrics, methods=_VERBS))
    app = Starlette(routes=routes)
    # Not by a route: none takes a path with a line feed in it.
    app.router.default = RestApi(models, monitoring, options)
    app.router.redirect_slashes = False
    return app


class RestApi:
    """Answers the paths under /v1 as TF Serving does, and refuses all others."""

    def __init__(self, models: ModelStore, monitoring: Monitoring, options: ServerOptions) -> None:
        self._models = models
        self._monitoring = monitoring
        milliseconds = options.rest_api_timeout_in_ms
        self._timeout = milliseconds / 1000 if milliseconds > 0 else None
        self._most_bytes = options.rest_api_max_body_bytes
        # Bytes of bodies that came.
        self._held = 0
        self._headers = dict(_CORS) if options.rest_api_enable_cors_support else {}
        if self._headers and options.auth_token_file:
            self._headers["access-control-allow-headers"] += ", Authorization"
        # Large documents are read one at a time: each takes many times its bytes.
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI)."""
        request = Request(scope, receive)
        target = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += f"?{scope['query_string'].decode('latin-1')}"
        if not _API.fullmatch(target):
            headers = {"content-type": "text/html", "connection": "close"}
            await Response(rest_answers.error_page(404), 404, headers)(scope, receive, send)
            return
        body = bytearray()
        try:
            status, text = await self._answer(request, target, body)
        except ClientDisconnect:
            return
        finally:
            self._held -= len(body)
        content = text.encode("utf-8", "surrogateescape")
        response = Response(content, status, self._headers, "application/json")
        await response(scope, receive, send)

    async def _receive(self, request: Request, body: bytearray) -> None:
        """Reads the body of a request; small ones are let in however much is held."""
        async for piece in request.stream():
            size = len(piece)
            if len(body) + size > self._most_bytes:
                raise too_large(self._most_bytes)
            most = _MOST_AT_ONCE * self._most_bytes
            if len(body) > _MANY_BYTES and self._held + size > most:
                raise resource_exhausted("The server holds too much of other requests. Try again.")
            body += piece
            self._held += size

    async def _answer(self, request: Request, target: str, body: bytearray) -> tuple[int, str]:
        started = time.perf_counter()
        code, status, name, api = grpc.StatusCode.OK, 200, "", ""
        try:
            await self._receive(request, body)
            started = time.perf_counter()
            method, spec = _find_call(request, target)
            name, api = spec.name, method if request.method == "POST" else ""
            packed = "gzip" in request.headers.get("content-encoding", "")
            large = packed or len(body) >= _MANY_BYTES
            read = functools.partial(self._read, body, packed)
            match method:
                case "preflight":
                    text = ""
                case "predict":
                    text = await self._predict(spec, read, large)
                case "classify" | "regress":
                    text = await self._on_examples(method, spec, read, large)
                case "metadata":
                    with self._models.lease(spec) as servable:
                        text = rest_answers.metadata_json(inference.metadata(servable))
                case _:
                    text = rest_answers.message_json(self._models.status(spec))
        except ServingError as error:
            code, text = error.code, rest_answers.error_json(error.message)
            status = _HTTP_STATUS.get(code, 500)
        except HTTPException as error:
            code, status = grpc.StatusCode.RESOURCE_EXHAUSTED, error.status_code
            text = rest_answers.error_json(error.detail)
        except ClientDisconnect:
            raise
        except Exception as error:
            _logger.exception("A request failed: %s %s", request.method, target)
            code, status = grpc.StatusCode.INTERNAL, 500
            text = rest_answers.error_json(f"{type(error).__name__}: {error}")
        self._monitoring.record(name, api, "REST", code, time.perf_counter() - started)
        return status, text

    def _read(self, body: bytearray, packed: bool) -> _Document:
        return json_document.parse(unpack(body, self._most_bytes) if packed else body)

    async def _on_examples(
        self, method: str, spec: ModelSpec, read: Callable[[], _Document], large: bool
    ) -> str:
        make_request, write = _ON_EXAMPLES[method]
        request = make_request(model_spec=spec)
        async with self._turn if large else nullcontext():
            await in_thread_if(large, _fill_request, request, read)
        with self._models.lease(request.model_spec) as servable:
            answer = await inference.run_examples(servable, request, self._timeout)
        return await in_thread_if(large, write, answer.result)

    async def _predict(self, spec: ModelSpec, read: Callable[[], _Document], large: bool) -> str:
        with ExitStack() as stack:
            async with self._turn if large else nullcontext():
                document = await in_thread_if(large, read)
                name = document.get("signature_name") or DEFAULT_SIGNATURE
                servable = stack.enter_context(self._models.lease(spec))
                signature = servable.model.signatures.get(name)
                if signature is None:
                    raise invalid_argument(
                        f'Serving signature name: "{name}" not found in signature def'
                    )
                inputs, by_row = await in_thread_if(
                    large, predict_inputs, document, signature.inputs
                )
                del document
            outputs = await inference.run_signature(servable, name, inputs, timeout=self._timeout)
        large = sum(tensor.size for tensor in outputs.values()) >= MANY_ELEMENTS
        return await in_thread_if(large, rest_answers.predict_json, outputs, by_row=by_row)


def _find_call(request: Request, target: str) -> tuple[str, ModelSpec]:
    """Returns what a request asks for: a method of a model.

    Raises:
        ServingError: It is none of the API's paths, or not with this verb.
    """
    verb = request.method
    if verb == "OPTIONS":
        if not _ORIGIN.search(request.headers.get("origin", "")):
            raise failed_precondition("")
        return "preflight", ModelSpec()
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
        # Past int64 TF Serving gives no reason. Python refuses to read thousands of digits.
        if len(digits) > len(str(LARGEST_VERSION)) or int(digits) > LARGEST_VERSION:
            raise invalid_argument("")
        spec.version.value = int(digits)
    if match["label"]:
        spec.version_label = unquote(match["label"])
    return match["method"] or "status", spec


def _fill_request(request: Any, read: Callable[[], _Document]) -> None:
    document = read()
    try:
        request.model_spec.signature_name = document.get("signature_name", "")
        fill_examples(document, request.input)
    except UnicodeEncodeError:
        raise invalid_argument("A name in the request is not UTF-8") from None
