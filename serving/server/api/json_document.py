"""The JSON document of a request, and its values as arrays of a signature's types.

The parser is TF Serving's own, RapidJSON, from python-rapidjson; what that does otherwise is put
right in `parse`. The rules for values are those of TF Serving's util/json_tensor.cc.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
import rapidjson
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from tensorflow.core.framework import types_pb2
from tensorflow.python.framework.dtypes import as_dtype

from serving.server.errors import ServingError, invalid_argument, unimplemented

# Bytes that are not UTF-8 pass through Python's text as lone surrogates: RapidJSON does not check
# the encoding of a string either, in or out.
_ENCODING: Final = ("utf-8", "surrogateescape")
# RapidJSON's binding takes valid text only: there those surrogates are characters for private use.
_HIDE: Final = {0xDC00 + byte: 0x10FF00 + byte for byte in range(0x80, 0x100)}
_MOST_HIDDEN: Final = 2**20
_REVEAL: Final = {hidden: surrogate for surrogate, hidden in _HIDE.items()}
# A surrogate pair, the second half of one alone (the group), or any other escape.
_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_ERROR: Final = re.compile(r"Parse error at offset (\d+): (.*)", re.DOTALL)
# Lists in lists take up to a hundred times their bytes.
_MOST_LISTS: Final = 2**18
_MOST_VALUES: Final = 2**23
# An error that quotes a whole document of megabytes helps nobody.
_LONGEST_QUOTE: Final = 2000

_BASE64: Final = "b64"
# NumPy has no array of more; TensorFlow has 254.
_MOST_DIMENSIONS: Final = 32
_INT32: Final = (-(2**31), 2**31 - 1)
_WHOLE: Final = {
    types_pb2.DT_INT8: _INT32,
    types_pb2.DT_UINT8: _INT32,
    types_pb2.DT_INT16: _INT32,
    types_pb2.DT_INT32: _INT32,
    types_pb2.DT_INT64: (-(2**63), 2**63 - 1),
    types_pb2.DT_UINT32: (0, 2**32 - 1),
    types_pb2.DT_UINT64: (0, 2**64 - 1),
}
# The types of a document's values for each type of tensor.
_ALLOWED: Final[dict[int, frozenset[type]]] = {
    types_pb2.DT_STRING: frozenset({str, dict}),
    types_pb2.DT_BOOL: frozenset({bool}),
    **dict.fromkeys((types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE), frozenset({int, float})),
    **dict.fromkeys(_WHOLE, frozenset({int})),
}
_KINDS: Final = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


class _Decoder(rapidjson.Decoder):
    """Gathers the members of an object, of which the first with a name counts."""

    start_object: Any = staticmethod(list)

    def end_object(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        return found if len(found) == len(members) else dict(reversed(members))


class _SurrogateDecoder(_Decoder):
    """Reads text with hidden bytes."""

    def string(self, text: str) -> str:
        return text.translate(_REVEAL)

    def end_object(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        return super().end_object([(name.translate(_REVEAL), value) for name, value in members])


_NUMBERS: Final = rapidjson.NM_NATIVE | rapidjson.NM_NAN
_decode_text: Final = _Decoder(number_mode=_NUMBERS)
_decode_hidden: Final = _SurrogateDecoder(number_mode=_NUMBERS)


def parse(body: bytes | bytearray) -> dict[str, Any]:
    """Returns the JSON object of a request, as `ParseJson` in util/json_tensor.cc does.

    NaN and Infinity are numbers, and a whole number past 64 bits is a float.

    Raises:
        ServingError: The body is not JSON, with RapidJSON's reason and byte offset, not an
            object, its `signature_name` not a string, or it has too many values.
    """
    _check_values(body)
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b"\\ud" in body or b"\\uD" in body:
        body = _ESCAPE.sub(_raw_surrogate, body)
    try:
        text, decoder = body.decode(), _decode_text
    except UnicodeDecodeError:
        # To hide a byte holds up all other requests.
        if len(body) > _MOST_HIDDEN:
            raise invalid_argument(
                f"A document of more than {_MOST_HIDDEN} bytes must be UTF-8"
            ) from None
        text, decoder = body.decode(*_ENCODING).translate(_HIDE), _decode_hidden
    try:
        document = decoder(text)
    except rapidjson.JSONDecodeError as error:
        raise _syntax_error(text, str(error)) from None
    except RecursionError:
        raise invalid_argument("JSON Parse error: The document is nested too deeply") from None
    if not isinstance(document, dict):
        raise format_error(document, "Is not object")
    if not isinstance(document.get("signature_name", ""), str):
        raise format_error(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    return document


def _check_values(body: bytes | bytearray) -> None:
    """Refuses a document that may take gigabytes; brackets and commas in its texts count too."""
    if len(body) > _MOST_LISTS and (
        body.count(b"[") + body.count(b"{") > _MOST_LISTS or body.count(b",") > _MOST_VALUES
    ):
        raise HTTPException(
            413,
            f"The request has more than {_MOST_LISTS} lists and objects, or {_MOST_VALUES} values. "
            "Send it in parts.",
        )


def encode(text: str) -> bytes:
    """Returns the bytes of a text from a document."""
    return text.encode(*_ENCODING)


def show(value: Any) -> str:
    """Returns a value of a document for an error message, as `JsonValueToString` does."""
    text = ""
    for piece in json.JSONEncoder(indent=4, ensure_ascii=False).iterencode(value):
        text += piece
        if len(text) > _LONGEST_QUOTE:
            return f"{text[:_LONGEST_QUOTE]}..."
    return text


def format_error(value: Any, problem: str) -> ServingError:
    """Returns the error for a value of a wrong form."""
    return invalid_argument(f"JSON Value: {show(value)} {problem}")


def kind(value: Any) -> str:
    """Returns RapidJSON's name for the type of a value."""
    return str(value) if isinstance(value, bool) else _KINDS[type(value)]


def is_object(value: Any) -> bool:
    """Says whether a value is an object that does not stand for base64 data."""
    return isinstance(value, dict) and not (len(value) == 1 and isinstance(value.get(_BASE64), str))


def from_base64(value: Mapping[str, Any]) -> bytes:
    """Returns the data of a b64 object; white space and missing padding are accepted.

    Raises:
        ServingError: It is not such an object, or its text not base64.
    """
    if is_object(value):
        raise format_error(value, "not formatted correctly for base64 data")
    text = "".join(value[_BASE64].split())
    if "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        if len(text) % 4:
            raise ValueError("wrong padding")
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise invalid_argument("Unable to base64 decode") from None


def tensor(value: Any, dtype: int, name: str) -> NDArray[Any]:
    """Returns a value, or nested lists of values, as the array of an input.

    As `FillTensorProto` and `AddValueToTensor` in util/json_tensor.cc: all lists of a level have
    the same size; a decimal fits floats only, which round it ("Floating Point Precision" in the
    guide to the REST API), and so do whole numbers; those of 8 and 16 bits wrap around.

    Raises:
        ServingError: Lists of different sizes, or a value of another type.
    """
    shape: list[int] = []
    inner = value
    while isinstance(inner, list):
        shape.append(len(inner))
        if not inner:
            break
        inner = inner[0]
    if len(shape) > _MOST_DIMENSIONS:
        raise invalid_argument(f"tensor parsing error: {name}")
    items = [value]
    for level, size in enumerate(shape):
        for item in items:
            if not isinstance(item, list):
                raise invalid_argument(
                    f"JSON Value: {show(item)} found at incorrect level: {level + 1} "
                    f"in the JSON DOM. Expected at level: {len(shape)}"
                )
            if len(item) != size:
                raise invalid_argument(
                    f"Encountered list at unexpected size: {len(item)} at level: {level} "
                    f"expected size: {size}"
                )
        items = list(chain.from_iterable(items))
    if list in set(map(type, items)):
        raise invalid_argument(
            f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}"
        )
    return _array(items, dtype).reshape(shape)


def _array(values: Sequence[Any], dtype: int) -> NDArray[Any]:
    """Returns values of a document as a flat array of a signature's type."""
    allowed = _ALLOWED.get(dtype)
    if allowed is None and values:
        raise unimplemented(
            f"Conversion of JSON Value: {show(values[0])} to type: {_type_name(dtype)}"
        )
    if allowed is not None and not allowed.issuperset(map(type, values)):
        raise _type_error(next(v for v in values if type(v) not in allowed), dtype)
    if dtype == types_pb2.DT_STRING:
        data = [from_base64(v) if isinstance(v, dict) else v.encode(*_ENCODING) for v in values]
        return np.array(data, dtype=object)
    wide: Any = np.float64
    if dtype in _WHOLE and values:
        low, high = _WHOLE[dtype]
        if min(values) < low or max(values) > high:
            raise _type_error(next(v for v in values if not low <= v <= high), dtype)
        wide = np.uint64 if high >= 2**63 else np.int64
    # What a float does not hold is rounded, or infinite.
    with np.errstate(over="ignore"):
        return np.array(values, dtype=wide).astype(as_dtype(dtype).as_numpy_dtype)


def _type_error(value: Any, dtype: int) -> ServingError:
    return invalid_argument(
        f"JSON Value: {show(value)} Type: {kind(value)} is not of expected type: "
        f"{_type_name(dtype)}"
    )


def _type_name(dtype: int) -> str:
    return str(types_pb2.DataType.Name(dtype)).removeprefix("DT_").lower()


def _raw_surrogate(escape: re.Match[bytes]) -> bytes:
    """Returns the bytes of half a surrogate pair, which TF Serving's RapidJSON lets through."""
    if not escape[1]:
        return escape[0]
    return chr(int(escape[1], 16)).encode("utf-8", "surrogatepass")


def _syntax_error(text: str, message: str) -> ServingError:
    match = _ERROR.match(message)
    if match is None:
        return invalid_argument(f"JSON Parse error: {message}")
    # Of the bytes that came, before any were hidden.
    before = text.encode()[: int(match[1])].decode(errors="ignore").translate(_REVEAL)
    # The binding has a newer RapidJSON than TF Serving.
    reason = match[2].replace("'", "").replace("Invalid encoding", "Invalid escape character")
    return invalid_argument(f"JSON Parse error: {reason} at offset: {len(encode(before))}")
