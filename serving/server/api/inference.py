"""Predict, Classify, Regress, MultiInference and GetModelMetadata, without a transport."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

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
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

from serving.server.api.examples import (
    fill_classifications,
    fill_regressions,
    find_for_examples,
    serialized_examples,
    tensors_of,
)
from serving.server.errors import invalid_argument, unimplemented
from serving.server.model.signatures import (
    CLASSIFY,
    DEFAULT_SIGNATURE,
    REGRESS,
    Signature,
    find_for_predict,
)
from serving.server.model.tensors import Array, decode_tensor, encode_tensor

if TYPE_CHECKING:
    from serving.server.store.models import ModelStore
    from serving.server.store.servable import Servable

_SIGNATURE_DEF: Final = "signature_def"
_T = TypeVar("_T")


class Inference:
    """Answers the requests of PredictionService from the models of a store.

    Every method raises ServingError in TF Serving's words, and stops waiting for the model after
    `timeout` seconds, if given.
    """

    def __init__(self, models: ModelStore) -> None:
        self._models = models

    async def predict(
        self, request: PredictRequest, timeout: float | None = None
    ) -> PredictResponse:
        """Runs a signature on tensors.

        Source: servables/tensorflow/predict_util.cc.
        """
        _check_spec(request)
        spec = request.model_spec
        response = PredictResponse()
        with self._models.lease(spec) as servable:
            outputs = await run_signature(
                servable,
                spec.signature_name,
                request.inputs,
                request.output_filter,
                timeout=timeout,
                read=_decode,
            )
            _fill_spec(response.model_spec, spec, servable)
        for alias, value in outputs.items():
            encode_tensor(value, response.outputs[alias])
        return response

    async def classify(
        self, request: ClassificationRequest, timeout: float | None = None
    ) -> ClassificationResponse:
        """Classifies tf.Examples.

        Source: servables/tensorflow/classifier.cc.
        """
        response = ClassificationResponse()
        await self._run_examples(request, CLASSIFY, fill_classifications, response, timeout)
        return response

    async def regress(
        self, request: RegressionRequest, timeout: float | None = None
    ) -> RegressionResponse:
        """Computes a value for each tf.Example.

        Source: servables/tensorflow/regressor.cc.
        """
        response = RegressionResponse()
        await self._run_examples(request, REGRESS, fill_regressions, response, timeout)
        return response

    async def multi_inference(
        self, request: MultiInferenceRequest, timeout: float | None = None
    ) -> MultiInferenceResponse:
        """Classifies and regresses the same tf.Examples with several signatures in one run.

        Source: servables/tensorflow/multi_inference.cc.
        """
        spec = request.tasks[0].model_spec if request.tasks else ModelSpec()
        response = MultiInferenceResponse()
        with self._models.lease(spec) as servable:
            signatures, feed, fetches = _plan_tasks(request, servable)
            examples = serialized_examples(request.input)
            values = await servable.runner.run({feed: examples}, fetches, timeout=timeout)
            tensors = dict(zip(fetches, values, strict=True))
            for task, signature in zip(request.tasks, signatures, strict=True):
                result = response.results.add()
                _fill_spec(result.model_spec, task.model_spec, servable)
                if task.method_name == CLASSIFY:
                    into = result.classification_result
                    fill_classifications(signature, len(examples), tensors, into)
                else:
                    fill_regressions(signature, len(examples), tensors, result.regression_result)
        return response

    def metadata(self, request: GetModelMetadataRequest) -> GetModelMetadataResponse:
        """Returns the signatures of a model, TensorFlow's own for setting up included.

        Source: servables/tensorflow/get_model_metadata_impl.cc.
        """
        _check_spec(request)
        if not request.metadata_field:
            raise invalid_argument(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for name in request.metadata_field:
            if name != _SIGNATURE_DEF:
                # The %s is TF Serving's.
                raise invalid_argument(f"Metadata field %s is not supported{name}")
        response = GetModelMetadataResponse()
        with self._models.lease(request.model_spec) as servable:
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            signatures = SignatureDefMap(signature_def=servable.model.signatures)
        response.metadata[_SIGNATURE_DEF].Pack(signatures)
        return response

    async def _run_examples(
        self,
        request: ClassificationRequest | RegressionRequest,
        method: str,
        fill: Callable[[Signature, int, Mapping[str, Array], Any], None],
        response: ClassificationResponse | RegressionResponse,
        timeout: float | None,
    ) -> None:
        _check_spec(request)
        spec = request.model_spec
        with self._models.lease(spec) as servable:
            signature = find_for_examples(servable.model.tables, spec.signature_name)
            feed, fetches = tensors_of(signature, method)
            examples = serialized_examples(request.input)
            values = await servable.runner.run({feed: examples}, fetches, timeout=timeout)
            _fill_spec(response.model_spec, spec, servable)
        tensors = dict(zip(fetches, values, strict=True))
        fill(signature, len(examples), tensors, response.result)


async def run_signature(
    servable: Servable,
    signature_name: str,
    inputs: Mapping[str, _T],
    output_filter: Sequence[str] = (),
    timeout: float | None = None,
    read: Callable[[str, _T], Array] = lambda _, value: cast(Array, value),
) -> dict[str, Array]:
    """Runs a signature, with the checks of Predict.

    Args:
        servable: The model, under a lease.
        signature_name: The signature; `serving_default` if empty.
        inputs: Values by alias.
        output_filter: Aliases of the outputs to compute; all if empty.
        timeout: Seconds to wait at most; any time if None.
        read: Makes an array of an alias's value; strings are bytes in an array of objects.

    Returns:
        The outputs by alias.

    Raises:
        ServingError: As Predict.
    """
    signature = find_for_predict(servable.model.tables, signature_name)
    feeds = _feeds(signature, inputs, read)
    chosen = signature.choose(output_filter)
    values = await servable.runner.run(feeds, chosen.tensors, timeout=timeout)
    return dict(zip(chosen.aliases, values, strict=True))


def _check_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")


def _fill_spec(into: ModelSpec, asked: ModelSpec, servable: Servable) -> None:
    into.name = asked.name
    into.signature_name = asked.signature_name or DEFAULT_SIGNATURE
    into.version.value = servable.version


def _feeds(
    signature: Signature, given: Mapping[str, _T], read: Callable[[str, _T], Array]
) -> dict[str, Array]:
    """Returns the values of a signature's inputs by name of tensor."""
    wanted, defaults = signature.inputs, signature.defaults
    if len(given) > len(wanted) or (len(given) < len(wanted) and not defaults):
        sent = set(given)
        raise invalid_argument(
            f"input size does not match signature: {len(given)}!={len(wanted)} "
            f"len({_names(sent)}) != len({_names(wanted)}). "
            f"Sent extra: {_names(sent - wanted.keys())}. "
            f"Missing but required: {_names(wanted.keys() - sent)}."
        )
    feeds = {}
    used = 0
    for alias, tensor in wanted.items():
        if alias in given:
            feeds[tensor] = read(alias, given[alias])
            used += 1
        elif alias in defaults:
            feeds[tensor] = defaults[alias]
        else:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {tensor}) not found in request and no "
                "default value provided. Inputs expected to be in the request "
                f"{_names(given)}, or default input alias set: {','.join(sorted(defaults))}"
            )
    if used != len(given):
        raise invalid_argument(
            "Inputs contains invalid name. Used request inputs: "
            f"{','.join(sorted(set(given) & wanted.keys()))}, request input: "
            f"{','.join(sorted(given))}"
        )
    return feeds


def _names(aliases: Iterable[str]) -> str:
    return f"{{{','.join(sorted(aliases))}}}"


def _decode(alias: str, proto: TensorProto) -> Array:
    try:
        return decode_tensor(proto)
    except ValueError as error:
        raise invalid_argument(f"tensor parsing error: {alias}") from error


def _plan_tasks(
    request: MultiInferenceRequest, servable: Servable
) -> tuple[list[Signature], str, tuple[str, ...]]:
    """Returns the signature of each task, their input tensor and their output tensors."""
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
        found = servable.model.tables.get(key)
        if found is None:
            raise invalid_argument(f"Requested signature not found in model graph: {key}")
        if task.method_name not in (CLASSIFY, REGRESS):
            raise unimplemented(f"Unsupported signature method_name: {task.method_name}")
        feed, outputs = tensors_of(found, task.method_name)
        signatures[key] = found
        feeds.add(feed)
        fetches.update(outputs)
        if len(feeds) > 1:
            raise invalid_argument("Input tensor must be the same for all Signatures.")
    return list(signatures.values()), feeds.pop(), tuple(sorted(fetches))
