"""The examples of a Classify or Regress request over REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import tensorflow as tf
from tensorflow_serving.apis import input_pb2

from serving.server.api.json_text import encode
from serving.server.api.json_values import format_error, from_base64, is_object, kind
from serving.server.errors import invalid_argument

_EXAMPLES: Final = "examples"
_CONTEXT: Final = "context"


def fill_examples(document: Mapping[str, Any], request: input_pb2.Input) -> None:
    """Fills the input of a Classify or Regress request with the examples of a document.

    As `FillClassifyRegressRequestFromJson` in util/json_tensor.cc: a whole number makes an int64
    feature, a decimal a float one, a string or a b64 object a bytes one.

    Raises:
        ServingError: The document has no examples, or a feature mixes types.
    """
    context = document.get(_CONTEXT)
    if _CONTEXT in document:
        _fill_example(context, request.example_list_with_context.context)
        examples = request.example_list_with_context.examples
    else:
        examples = request.example_list.examples
    if _EXAMPLES not in document:
        raise format_error(
            document,
            f"When method is classify, key '{_EXAMPLES}' is expected and was not found",
        )
    values = document[_EXAMPLES]
    if not isinstance(values, list):
        raise format_error(document, f"Expecting '{_EXAMPLES}' value to be an list/array")
    if not values:
        raise format_error(document, f"'{_EXAMPLES}' value is an empty array")
    for value in values:
        _fill_example(value, examples.add())


def _fill_example(value: Any, example: tf.train.Example) -> None:
    if not isinstance(value, dict):
        raise invalid_argument(f"Example must be JSON object but got JSON {kind(value)}")
    for name, content in value.items():
        values = content if isinstance(content, list) else [content]
        _fill_feature(name, values, example.features.feature[name])


def _fill_feature(name: str, values: Sequence[Any], feature: tf.train.Feature) -> None:
    """Fills a feature; its first value decides its type."""
    first = ""
    for value in values:
        if value is None or isinstance(value, list) or is_object(value):
            raise invalid_argument(
                f"Feature: {name} has element with unexpected JSON type: {kind(value)}"
            )
        element = {str: "bytes", dict: "bytes", float: "float"}.get(type(value), "int64")
        first = first or element
        if element != first:
            raise invalid_argument(
                f"Unexpected element type in feature: {name} expecting type: {first}"
            )
        if element == "bytes":
            data = from_base64(value) if isinstance(value, dict) else encode(value)
            feature.bytes_list.value.append(data)
        elif element == "float":
            feature.float_list.value.append(value)
        elif value >= 2**63:
            raise invalid_argument(f"Feature: {name} has uint64 element. Only int64 is supported.")
        else:
            feature.int64_list.value.append(int(value))
