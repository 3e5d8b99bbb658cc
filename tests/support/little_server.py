"""A server that speaks enough of TF Serving's API for a client, and can be made to fail."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote

import grpc

from serving.client import messages
from serving.suggestion import Suggestion, Suggestions

LABELS = ("größe", "cs.LG", "stat.ML")


def expected(text: str) -> Suggestions:
    """What the server answers: scores that a float holds exactly."""
    length = len(text.encode()) % 64
    return Suggestions(
        Suggestion(label, (length + 64 - 10 * place) / 128, place == 0)
        for place, label in enumerate(LABELS)
    )


def closed_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Asked(NamedTuple):
    """One request that arrived."""

    protocol: str
    model: str
    version: int | None
    label: str | None
    texts: list[str]


class LittleServer:
    """Serves one model, `arxiv_tagger`, on both protocols while the context is open.

    Attributes:
        asked: The requests that arrived.
        busy: How many of the next requests are answered with UNAVAILABLE.
        places: How many requests it takes at once; it refuses the others.
        seconds: How long it takes to answer.
        labels: The labels that it knows.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.busy = 0
        self.places = 1000
        self.seconds = 0.0
        self.labels = {"stable"}
        self._running = 0
        self._lock = threading.Lock()

    def __enter__(self) -> LittleServer:
        self._grpc = grpc.server(
            ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", -1)]
        )
        handler = grpc.unary_unary_rpc_method_handler(
            self._predict,
            request_deserializer=messages.PredictRequest.FromString,
            response_serializer=messages.PredictResponse.SerializeToString,
        )
        service, method = messages.PREDICT_METHOD[1:].split("/")
        self._grpc.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
        self.grpc_address = f"127.0.0.1:{self._grpc.add_insecure_port('127.0.0.1:0')}"
        self._grpc.start()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._make_http_handler())
        self.rest_address = f"127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._grpc.stop(None).wait()
        self._http.shutdown()
        self._http.server_close()

    def address(self, protocol: str) -> str:
        return self.grpc_address if protocol == "grpc" else self.rest_address

    def _refuses(self, asked: Asked) -> tuple[grpc.StatusCode, int, str] | None:
        with self._lock:
            self.asked.append(asked)
            if self.busy > 0:
                self.busy -= 1
                return grpc.StatusCode.UNAVAILABLE, 503, "The batch scheduling queue is full"
            if self._running >= self.places:
                return grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "Server Threadpool Exhausted"
            if asked.label not in {None, *self.labels}:
                message = f"Unrecognized servable version label: {asked.label}"
                return grpc.StatusCode.INVALID_ARGUMENT, 400, message
            if asked.model != "arxiv_tagger":
                message = f"Servable not found for request: Latest({asked.model})"
                return grpc.StatusCode.NOT_FOUND, 404, message
            self._running += 1
        return None

    def _answer_texts(self, texts: list[str]) -> list[Suggestions]:
        time.sleep(self.seconds)
        with self._lock:
            self._running -= 1
        return [expected(text) for text in texts]

    def _predict(self, request, context):
        spec = request.model_spec
        choice = spec.WhichOneof("version_choice")
        asked = Asked(
            "grpc",
            spec.name,
            spec.version.value if choice == "version" else None,
            spec.version_label if choice == "version_label" else None,
            [text.decode() for text in request.inputs["text"].string_val],
        )
        if refusal := self._refuses(asked):
            context.abort(refusal[0], refusal[2])
        rows = self._answer_texts(asked.texts)
        response = messages.PredictResponse()
        for name, number in (("labels", 7), ("scores", 1), ("suggested", 10)):
            tensor = response.outputs[name]
            tensor.dtype = number
            for size in (len(rows), len(LABELS)):
                tensor.tensor_shape.dim.add().size = size
        for row in rows:
            response.outputs["labels"].string_val.extend(each.label.encode() for each in row)
            response.outputs["scores"].float_val.extend(each.score for each in row)
            response.outputs["suggested"].bool_val.extend(each.suggested for each in row)
        return response

    def _make_http_handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body go out together; else each answer waits 40 ms for an acknowledgement.
            wbufsize = -1

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                texts = json.loads(self.rfile.read(size))["inputs"]["text"]
                *_, path = self.path.removesuffix(":predict").split("/v1/models/")
                model, *choice = map(unquote, path.split("/"))
                asked = Asked(
                    "rest",
                    model,
                    int(choice[1]) if choice[:1] == ["versions"] else None,
                    choice[1] if choice[:1] == ["labels"] else None,
                    texts,
                )
                if refusal := server._refuses(asked):
                    self._answer(refusal[1], {"error": refusal[2]})
                    return
                rows = server._answer_texts(texts)
                columns = {
                    "labels": [[each.label for each in row] for row in rows],
                    "scores": [[each.score for each in row] for row in rows],
                    "suggested": [[each.suggested for each in row] for row in rows],
                }
                self._answer(200, {"outputs": columns})

            def _answer(self, status: int, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
