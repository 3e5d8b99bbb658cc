"""What a request needs of a model's signature, read once when the model is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving.server.errors import failed_precondition, internal, invalid_argument
from serving.server.model.tensors import Array, decode_tensor

DEFAULT_SIGNATURE: Final = "serving_default"
PREDICT: Final = "tensorflow/serving/predict"
CLASSIFY: Final = "tensorflow/serving/classify"
REGRESS: Final = "tensorflow/serving/regress"


@dataclass(frozen=True)
class Outputs:
    """Outputs of a signature, ordered by name of tensor so that equal requests look equal.

    Attributes:
        aliases: What the signature calls them.
        tensors: The names of their tensors.
    """

    aliases: tuple[str, ...]
    tensors: tuple[str, ...]


@dataclass(frozen=True)
class Signature:
    """A signature of a model.

    Attributes:
        key: Its name.
        method: The name of its method.
        inputs: Names of input tensors by alias, ordered by alias.
        defaults: Values of inputs that a request may leave out, by alias.
        outputs: Names of output tensors by alias, ordered by alias.
        every: All of its outputs.
        proto: As it stands in the SavedModel.
    """

    key: str
    method: str
    inputs: dict[str, str]
    defaults: dict[str, Array]
    outputs: dict[str, str]
    every: Outputs
    proto: SignatureDef

    @classmethod
    def read(cls, key: str, proto: SignatureDef) -> Signature:
        """Reads a signature of a SavedModel."""
        outputs = {alias: proto.outputs[alias].name for alias in sorted(proto.outputs)}
        return cls(
            key=key,
            method=proto.method_name,
            inputs={alias: proto.inputs[alias].name for alias in sorted(proto.inputs)},
            defaults={alias: decode_tensor(value) for alias, value in proto.defaults.items()},
            outputs=outputs,
            every=_ordered(outputs, outputs),
            proto=proto,
        )

    def choose(self, output_filter: Sequence[str]) -> Outputs:
        """Returns the outputs that a request wants; all where it names none.

        Raises:
            ServingError: One is unknown or named twice.
        """
        if not output_filter:
            return self.every
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


def find_for_predict(signatures: dict[str, Signature], key: str) -> Signature:
    """Returns the signature that a Predict request names.

    Raises:
        ServingError: There is none, or it is not for inference.

    Source: servables/tensorflow/predict_util.cc.
    """
    found = signatures.get(key or DEFAULT_SIGNATURE)
    if found is None:
        raise failed_precondition(f'Serving signature key "{key or DEFAULT_SIGNATURE}" not found.')
    if found.method not in (PREDICT, CLASSIFY, REGRESS):
        raise internal(
            f"Expected prediction signature method_name to be one of {{{PREDICT}, {CLASSIFY}, "
            f"{REGRESS}}}. Was: {found.method}"
        )
    return found


def _ordered(tensors: dict[str, str], aliases: Iterable[str]) -> Outputs:
    ordered = sorted(aliases, key=lambda alias: (tensors[alias], alias))
    return Outputs(tuple(ordered), tuple(tensors[alias] for alias in ordered))
