"""A servable that computes nothing: its outputs are given, and its inputs kept."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving.server.model.limits import Limits
from serving.server.model.signatures import Signature


class Answering:
    """Looks like a Servable whose default signature is given.

    Attributes:
        inputs: What the last request fed.
    """

    def __init__(self, proto: SignatureDef, **outputs: np.ndarray) -> None:
        self.name, self.version = "m", 7
        self.model = SimpleNamespace(signatures={"serving_default": Signature.read(proto)})
        self.check_method_names = True
        self.runner, self.limits = self, Limits()
        self.inputs = self.request_log = None
        self._outputs = {f"{name}:0": value for name, value in outputs.items()}

    async def run(self, inputs, outputs, *, timeout):
        self.inputs = inputs
        return [self._outputs[name] for name in outputs]


def answering(method: str, inputs: list[str], **outputs: np.ndarray) -> Answering:
    """A model whose default signature has these inputs and gives these outputs."""
    proto = SignatureDef(method_name=method)
    for name in inputs:
        proto.inputs[name].name = f"{name}:0"
    for name in outputs:
        proto.outputs[name].name = f"{name}:0"
    return Answering(proto, **outputs)
