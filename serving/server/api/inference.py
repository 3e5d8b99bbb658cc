"""Predict, Classify, Regress, MultiInference and GetModelMetadata on a leased version of a model.

Every function raises ServingError in TF Serving's words; the asynchronous ones stop waiting for the
model after `timeout` seconds, if given.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.classification_pb2 import (
    ClassificationRequest,
    ClassificationResponse,
)
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest, MultiInferenceResponse
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

from serving.server.api.examples import (
    fill_classifications,
    fill_regressions,
    serialized_examples,
    tensors_of,
)
from serving.server.errors import (
    failed_precondition,
    internal,
    invalid_argument,
    unimplemented,
)
from serving.server.model.runners import MANY_ELEMENTS, in_thread_if
from serving.server.model.signatures import (
    CLASSIFY,
    DEFAULT_SIGNATURE,
    PREDICT,
    REGRESS,
    Signature,
)
from serving.server.model.tensors import (
    STRING_BYTES,
    Array,
    decode_plain,
    decode_tensor,
    decoded_size,
    encode_length,
    serialize_tensor,
)
from serving.server.store.servable import Servable

# Tags of PredictResponse.outputs and of a map's key and value.
_OUTPUT: Final = b"\x0a"
_KEY: Final = b"\x0a"
_VALUE: Final = b"\x12"
_SIGNATURE_DEF: Final = "signature_def"
# From so many bytes on a tensor is read in a thread: the event loop would stand still.
_MANY_BYTES: Final = 512 * 1024
# With fewer values, each written out, a tensor is read at once.
_FEW: Final = 256
_T = TypeVar("_T")


async def predict(
    servable: Servable, request: PredictRequest, timeout: float | None = None
) -> bytes:
    """Runs a signature on tensors.

    Returns:
        A serialized PredictResponse: to fill and serialize one takes three times as long.

    Source: servables/tensorflow/predict_util.cc.
    """
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    if name not in servable.model.signatures:
        raise failed_precondition(f'Serving signature key "{name}" not found.')
    inputs: dict[str, Array] = {}
    others: dict[str, TensorProto] = {}
    # Not by `items`, which protobuf makes slow.
    for alias in request.inputs:
        proto = request.inputs[alias]
        array = _decode(alias, decode_plain, proto, _FEW)
        if array is None:
            others[alias] = proto
        else:
            inputs[alias] = array
    if others:
        sizes = {alias: decoded_size(proto) for alias, proto in others.items()}
        servable.runner.limits.check(sum(sizes.values()))
        for alias, proto in others.items():
            large = sizes[alias] > _MANY_BYTES
            inputs[alias] = await in_thread_if(large, _decode, alias, decode_tensor, proto)
    outputs = await run_signature(servable, name, inputs, request.output_filter, timeout=timeout)
    spec = _serialize_spec(request.model_spec.name, name, servable.version)
    if sum([value.size for value in outputs.values()]) > MANY_ELEMENTS:
        return await asyncio.to_thread(_serialize, spec, outputs)
    return _serialize(spec, outputs)


async def run_examples(
    servable: Servable,
    request: ClassificationRequest | RegressionRequest,
    timeout: float | None = None,
) -> ClassificationResponse | RegressionResponse:
    """Classifies tf.Examples, or computes a value for each, as the request's type asks for.

    Source: servables/tensorflow/classifier.cc and regressor.cc.
    """
    key = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = servable.model.signatures.get(key)
    if signature is None:
        raise invalid_argument(f"No signature was found with the name: {key}")
    response: ClassificationResponse | RegressionResponse
    if isinstance(request, ClassificationRequest):
        method, response, fill = CLASSIFY, ClassificationResponse(), fill_classifications
    else:
        method, response, fill = REGRESS, RegressionResponse(), fill_regressions
    feed, fetches = tensors_of(signature, method, servable.check_method_names)
    examples = await _examples(servable, request.input)
    values = await servable.runner.run({feed: examples}, fetches, timeout=timeout)
    response.model_spec.CopyFrom(_spec(request.model_spec.name, key, servable.version))
    tensors = dict(zip(fetches, values, strict=True))
    is_large = len(examples) > MANY_ELEMENTS
    await in_thread_if(is_large, fill, signature, len(examples), tensors, response.result)
    return response


async def multi_inference(
    servable: Servable, request: MultiInferenceRequest, timeout: float | None = None
) -> MultiInferenceResponse:
    """Classifies and regresses the same tf.Examples with several signatures in one run.

    Source: servables/tensorflow/multi_inference.cc.
    """
    response = MultiInferenceResponse()
    signatures, feeds, fetches = _plan_tasks(request, servable)
    examples = await _examples(servable, request.input)
    inputs = dict.fromkeys(feeds, examples)
    values = await servable.runner.run(inputs, fetches, timeout=timeout)
    tensors = dict(zip(fetches, values, strict=True))
    for task, signature in zip(request.tasks, signatures, strict=True):
        result = response.results.add()
        asked = task.model_spec
        result.model_spec.CopyFrom(_spec(asked.name, asked.signature_name, servable.version))
        if task.method_name == CLASSIFY:
            into = result.classification_result
            fill_classifications(signature, len(examples), tensors, into)
        else:
            fill_regressions(signature, len(examples), tensors, result.regression_result)
    return response


def check_metadata_fields(request: GetModelMetadataRequest) -> None:
    """Refuses a GetModelMetadata request for anything but the signatures.

    Source: servables/tensorflow/get_model_metadata_impl.cc.
    """
    if not request.metadata_field:
        raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
    for name in request.metadata_field:
        if name != _SIGNATURE_DEF:
            raise invalid_argument(f"Metadata field {name} is not supported")


def metadata(servable: Servable) -> GetModelMetadataResponse:
    """Returns the signatures of a model, TensorFlow's own for setting up included."""
    response = GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    protos = {key: signature.proto for key, signature in servable.model.signatures.items()}
    response.metadata[_SIGNATURE_DEF].Pack(SignatureDefMap(signature_def=protos))
    return response


async def run_signature(
    servable: Servable,
    name: str,
    inputs: Mapping[str, Array],
    output_filter: Sequence[str] = (),
    timeout: float | None = None,
) -> dict[str, Array]:
    """Runs a signature, with the checks of Predict.

    Args:
        servable: The model, under a lease.
        name: One of its signatures.
        inputs: Values by alias; strings are bytes in an array of objects.
        output_filter: Aliases of the outputs to compute; all if empty.
        timeout: Seconds to wait at most; any time if None.

    Returns:
        The outputs by alias.
    """
    signature = servable.model.signatures[name]
    if servable.check_method_names and signature.method not in (PREDICT, CLASSIFY, REGRESS):
        raise internal(
            f"Expected prediction signature method_name to be one of {{{PREDICT}, {CLASSIFY}, "
            f"{REGRESS}}}. Was: {signature.method}"
        )
    feeds = signature.feed(inputs)
    chosen = signature.choose(output_filter) if output_filter else signature.every
    values = await servable.runner.run(feeds, tuple(chosen.values()), timeout=timeout)
    outputs = dict(zip(chosen, values, strict=True))
    if servable.request_log is not None:
        servable.request_log.add(_spec(servable.name, name, servable.version), inputs, outputs)
    return outputs


async def _examples(servable: Servable, given: Input) -> Array:
    count = max(len(given.example_list.examples), len(given.example_list_with_context.examples))
    # The context is put before each.
    size = STRING_BYTES + given.example_list_with_context.context.ByteSize()
    servable.runner.limits.check(count * size)
    return await in_thread_if(count > MANY_ELEMENTS, serialized_examples, given)


def _spec(name: str, signature_name: str, version: int) -> ModelSpec:
    spec = ModelSpec(name=name, signature_name=signature_name or DEFAULT_SIGNATURE)
    spec.version.value = version
    return spec


@functools.lru_cache
def _serialize_spec(name: str, signature_name: str, version: int) -> bytes:
    """Returns a PredictResponse that has no outputs yet."""
    response = PredictResponse(model_spec=_spec(name, signature_name, version))
    return bytes(response.SerializeToString())


def _serialize(spec: bytes, outputs: Mapping[str, Array]) -> bytes:
    parts = [spec]
    for alias, value in outputs.items():
        entry = _key(alias) + _field(_VALUE, serialize_tensor(value))
        parts.append(_field(_OUTPUT, entry))
    return b"".join(parts)


@functools.lru_cache
def _key(alias: str) -> bytes:
    return _field(_KEY, alias.encode("utf-8"))


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + encode_length(len(content)) + content


def _decode(alias: str, decode: Callable[..., _T], *args: Any) -> _T:
    try:
        return decode(*args)
    except ValueError as error:
        raise invalid_argument(f"tensor parsing error: {alias}") from error


def _plan_tasks(
    request: MultiInferenceRequest, servable: Servable
) -> tuple[list[Signature], set[str], tuple[str, ...]]:
    """Returns the signature of each task, their input tensors and their output tensors."""
    signatures: dict[str, Signature] = {}
    feeds: set[str] = set()
    fetches: set[str] = set()
    for task in request.tasks:
        spec = task.model_spec
        if not spec.name:
            raise invalid_argument("Found ModelSpec with an empty model name.")
        if spec.name != request.tasks[0].model_spec.name:
            raise invalid_argument(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        key = spec.signature_name or DEFAULT_SIGNATURE
        if key in signatures:
            raise invalid_argument(f"Duplicate evaluation of signature: {key}")
        found = servable.model.signatures.get(key)
        if found is None:
            raise invalid_argument(f"Requested signature not found in model graph: {key}")
        if task.method_name not in (CLASSIFY, REGRESS):
            raise unimplemented(f"Unsupported signature method_name: {task.method_name}")
        feed, outputs = tensors_of(found, task.method_name, servable.check_method_names)
        signatures[key] = found
        feeds.add(feed)
        fetches.update(outputs)
    return list(signatures.values()), feeds, tuple(sorted(fetches))
