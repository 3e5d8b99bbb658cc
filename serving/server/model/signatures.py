"""What requests need of a model's signatures, read once when the model is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from serving.server.errors import invalid_argument
from serving.server.model.tensors import Array, decode_tensor

DEFAULT_SIGNATURE: Final = "serving_default"
PREDICT: Final = "tensorflow/serving/predict"
CLASSIFY: Final = "tensorflow/serving/classify"
REGRESS: Final = "tensorflow/serving/regress"


@dataclass(frozen=True)
class Signature:
    """A signature of a model.

    Attributes:
        method: The name of its method.
        inputs: Input tensors by alias, ordered by alias.
        defaults: Values of inputs that a request may leave out, by alias.
        outputs: Output tensors by alias, ordered by alias.
        every: All of its outputs, as `choose` returns them.
        proto: As it stands in the SavedModel.
    """

    method: str
    inputs: dict[str, TensorInfo]
    defaults: dict[str, Array]
    outputs: dict[str, TensorInfo]
    every: dict[str, str]
    proto: SignatureDef

    @classmethod
    def read(cls, found: SignatureDef) -> Signature:
        """Reads a signature of a SavedModel."""
        # A copy: a part of a message keeps the whole of it in memory.
        proto = SignatureDef()
        proto.CopyFrom(found)
        outputs = {alias: proto.outputs[alias] for alias in sorted(proto.outputs)}
        return cls(
            method=proto.method_name,
            inputs={alias: proto.inputs[alias] for alias in sorted(proto.inputs)},
            defaults={alias: decode_tensor(value) for alias, value in proto.defaults.items()},
            outputs=outputs,
            every=_ordered(outputs, outputs),
            proto=proto,
        )

    def feed(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """Returns the values of the inputs by name of tensor.

        Args:
            given: What a request has, by alias.

        Raises:
            ServingError: It has too much or too little, in the words of predict_util.cc.
        """
        wanted, defaults = self.inputs, self.defaults
        if len(given) > len(wanted) or (len(given) < len(wanted) and not defaults):
            sent = set(given)
            raise invalid_argument(
                f"input size does not match signature: {len(given)}!={len(wanted)} "
                f"len({_names(sent)}) != len({_names(wanted)}). "
                f"Sent extra: {_names(sent - wanted.keys())}. "
                f"Missing but required: {_names(wanted.keys() - sent)}."
            )
        feeds = {}
        for alias, info in wanted.items():
            value = given.get(alias)
            if value is None:
                value = defaults.get(alias)
            if value is None:
                raise invalid_argument(
                    f"Signature input alias: {alias}(feed name: {info.name}) not found in request "
                    "and no default value provided. Inputs expected to be in the request "
                    f"{_names(given)}, or default input alias set: {','.join(sorted(defaults))}"
                )
            feeds[info.name] = value
        # Without defaults the names are equal by now: none is missing, and there are no more.
        if defaults and not given.keys() <= wanted.keys():
            raise invalid_argument(
                "Inputs contains invalid name. Used request inputs: "
                f"{','.join(sorted(given.keys() & wanted.keys()))}, request input: "
                f"{','.join(sorted(given))}"
            )
        return feeds

    def choose(self, output_filter: Sequence[str]) -> dict[str, str]:
        """Returns the tensors of the outputs that a request names, by alias.

        They are in the order of the tensors' names, so that equal requests look equal.

        Raises:
            ServingError: One is unknown or named twice.
        """
        chosen: set[str] = set()
        for alias in output_filter:
            if alias not in self.outputs:
                raise invalid_argument(
                    f"output tensor alias not found in signature: {alias} Outputs expected to be "
                    f"in the set {{{','.join(self.outputs)}}}."
                )
            if alias in chosen:
                raise invalid_argument(f"duplicate output tensor alias: {alias}")
            chosen.add(alias)
        return _ordered(self.outputs, chosen)


def _ordered(outputs: dict[str, TensorInfo], aliases: Iterable[str]) -> dict[str, str]:
    pairs = sorted((outputs[alias].name, alias) for alias in aliases)
    return {alias: tensor for tensor, alias in pairs}


def _names(aliases: Iterable[str]) -> str:
    return f"{{{','.join(sorted(aliases))}}}"
