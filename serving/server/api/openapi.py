"""The REST API for programs: an OpenAPI document with a model's signatures, and a page of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow_serving.apis.model_pb2 import ModelSpec

from schema import names
from serving.server.api.page import answer_page, read_file
from serving.server.errors import ServingError
from serving.server.model.signatures import DEFAULT_SIGNATURE
from serving.server.options import ServerOptions
from serving.server.store.models import ModelStore

_Schema = dict[str, Any]

_INTEGERS: Final = {number for name, number in types_pb2.DataType.items() if "INT" in name}
_VALUES: Final[dict[int, _Schema]] = {
    types_pb2.DT_STRING: {"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/Base64"}]},
    types_pb2.DT_BOOL: {"type": "boolean"},
    # Beyond it is infinity, which JSON does not have.
    types_pb2.DT_FLOAT: {"type": "number", "minimum": -3.4e38, "maximum": 3.4e38},
    **{number: {"type": "integer"} for number in _INTEGERS},
}
# How a path names the version to ask, and the parameters for it.
_VERSIONS: Final[dict[str, list[_Schema]]] = {"": []} | {
    f"/{key}s/{{{key}}}": [{"$ref": f"#/components/parameters/{key}"}]
    for key in ("version", "label")
}


def show_document(models: ModelStore, options: ServerOptions, _: Request) -> Response:
    """Returns the OpenAPI document of the first model."""
    name = next(iter(models.names), "")
    try:
        signatures = models.lease(ModelSpec(name=name)).model.signatures
    except ServingError as error:
        return JSONResponse({"error": error.message}, 404)
    document = json.loads(read_file("openapi.json"))
    if options.auth_token_file:
        document["security"] = [{"token": []}]
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    methods = {each.method.rpartition("/")[2] for each in signatures.values()}
    document["paths"] = {
        path.replace("{model}", quote(name, safe="") + chosen): {"parameters": parameters, **item}
        for chosen, parameters in _VERSIONS.items()
        for path, item in document["paths"].items()
        if path.rpartition(":")[2] not in {"classify", "regress"} - methods
    }
    requests, answers = [], []
    for key in sorted(signatures, key=lambda each: each != DEFAULT_SIGNATURE):
        inputs, outputs = signatures[key].inputs, signatures[key].outputs
        # One that sets the model up has none.
        if not inputs:
            continue
        needed = [] if key == DEFAULT_SIGNATURE else ["signature_name"]
        for asked, answered, rows in (("instances", "predictions", 1), ("inputs", "outputs", 0)):
            lists = [_tensors(each, rows) for each in (inputs, outputs)]
            if rows:
                lists = [{"type": "array", "items": each, "minItems": 1} for each in lists]
            properties = {"signature_name": {"const": key}, asked: lists[0]}
            requests.append(_object(properties) | {"required": [*needed, asked]})
            answers.append(_object({answered: lists[1]}))
    document["components"]["schemas"] |= {
        "PredictRequest": {"anyOf": requests},
        "PredictResponse": {"anyOf": answers},
    }
    return JSONResponse(document)


def show_reference(_: Request) -> Response:
    """Returns the page that shows the document."""
    return answer_page(read_file("api.html").replace("__STYLE__", read_file("page.css")))


def _tensors(tensors: Mapping[str, TensorInfo], rows: int) -> _Schema:
    """Returns the schema of tensors, or of a row of them; a single one goes without its name."""
    values = {name: _tensor(name, info, rows) for name, info in tensors.items()}
    return next(iter(values.values())) if len(values) == 1 else _object(values)


def _tensor(name: str, info: TensorInfo, rows: int) -> _Schema:
    if info.tensor_shape.unknown_rank:
        return {}
    schema = _VALUES.get(info.dtype, {"type": "number"})
    if name == names.INPUT_EXAMPLES and info.dtype == types_pb2.DT_STRING:
        schema = {"$ref": "#/components/schemas/SerializedExample"}
    for dim in reversed(info.tensor_shape.dim[rows:]):
        size = {"minItems": dim.size, "maxItems": dim.size} if dim.size >= 0 else {}
        schema = {"type": "array", "items": schema, **size}
    return schema


def _object(properties: _Schema) -> _Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}
