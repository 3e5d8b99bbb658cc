"""Loads and runs a SavedModel by its graph alone, as TF Serving's C++ loader does.

`tf.saved_model.load` restores by Python objects instead, and so accepts models that TF Serving
can't run.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.config_pb2 import ConfigProto, RunOptions
from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef, MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel as SavedModelProto

# The C++ Session itself. The public Session.run converts and checks feeds in Python first, which
# costs time and words TensorFlow's errors differently.
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.client.session import Session
from tensorflow.python.framework.errors_impl import OpError
from tensorflow.python.framework.importer import import_graph_def
from tensorflow.python.framework.ops import Graph

from serving.server.errors import (
    ServingError,
    data_loss,
    failed_precondition,
    from_tensorflow,
    invalid_argument,
    not_found,
)
from serving.server.model.signatures import Signature
from serving.server.model.tensors import Array
from serving.server.wire import field_ends

_TAGS: Final = {"serve"}
_INIT_OP: Final = "__saved_model_init_op"
# Operations that may loop for any time; without one, a run ends by itself.
_LOOPS: Final = {"While", "StatelessWhile", "Enter", "RefEnter"}


class SavedModel:
    """A loaded SavedModel; make one with `load_saved_model`.

    Attributes:
        path: Its folder.
        signatures: Its signatures by key, TensorFlow's own for setting up included.
        has_loops: Whether a run may take any time.
    """

    def __init__(
        self,
        path: Path,
        signatures: Mapping[str, Signature],
        session: Session,
        has_loops: bool,
    ) -> None:
        self.path = path
        self.signatures = signatures
        self._session: Any = session
        self.has_loops = has_loops
        self._tensors = _Tensors(session.graph)

    def run(
        self, inputs: Mapping[str, Array], outputs: Sequence[str], deadline: float = math.inf
    ) -> list[Array]:
        """Computes tensors; several threads may do so at once.

        Args:
            inputs: Values by name of tensor; strings as bytes in an array of objects.
            outputs: Names of tensors.
            deadline: When a graph with loops is stopped, by `time.monotonic`.

        Returns:
            The values of the outputs, in their order.

        Raises:
            ServingError: TensorFlow refuses or fails, in its words.
        """
        tensors = self._tensors
        options = _run_options(deadline) if self.has_loops and deadline < math.inf else None
        try:
            values: list[Any] = pywrap_tf_session.TF_SessionRun_wrapper(
                self._session._session,
                options,
                {tensors[name]: value for name, value in inputs.items()},
                [tensors[name] for name in outputs],
                [],
                None,
            )
        except OpError as error:
            raise from_tensorflow(error) from error
        except UnicodeDecodeError as error:
            # TensorFlow's message quotes the input, which need not be text; its code is lost.
            raise invalid_argument(error.object.decode("utf-8", errors="replace")) from error
        finally:
            if options is not None:
                pywrap_tf_session.TF_DeleteBuffer(options)
        # A single string comes without an array.
        return [np.array(each, object) if isinstance(each, bytes) else each for each in values]

    def close(self) -> None:
        """Frees the model; nothing may be running."""
        self._session.close()
        # A graph's Python objects refer to each other: without a collection, those of several
        # versions would pile up.
        self._session = None
        self._tensors = _Tensors(None)
        gc.collect()


class _Tensors(dict[str, Any]):
    """The tensors of a graph by name, each looked up when it is first asked for."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def __missing__(self, name: str) -> Any:
        full = name if ":" in name else f"{name}:0"
        try:
            found = self[name] = self._graph.get_tensor_by_name(full)._as_tf_output()
        except (KeyError, ValueError) as error:
            raise invalid_argument(
                f"Tensor {full}, specified in either feed_devices or fetch_devices was not "
                "found in the Graph"
            ) from error
        return found


def load_saved_model(path: Path, config: ConfigProto | None = None) -> SavedModel:
    """Loads the SavedModel in a folder: its graph, then its variables, then its set-up.

    Args:
        path: The folder.
        config: What it says of the session holds instead of the defaults.

    Raises:
        ServingError: There is none or it can't be loaded, in the words of TensorFlow's loader.

    Source: tensorflow/cc/saved_model/loader.cc and reader.cc.
    """
    try:
        graph = _read_meta_graph(path)
    except OSError as error:
        raise ServingError(grpc.StatusCode.UNKNOWN, str(error)) from error
    has_loops = _has_loops(graph)
    session = Session(graph=Graph(), config=_session_config(has_loops, config))
    with contextlib.ExitStack() as undo:
        undo.callback(session.close)
        try:
            _set_up(session, graph, path)
            signatures = {key: Signature.read(found) for key, found in graph.signature_def.items()}
            model = SavedModel(path, signatures, session, has_loops)
        except OpError as error:
            raise from_tensorflow(error) from error
        except (TypeError, ValueError) as error:
            # From Python, for operations, names or default values that do not fit.
            raise invalid_argument(str(error)) from error
        undo.pop_all()
    return model


def _read_meta_graph(path: Path) -> MetaGraphDef:
    model = SavedModelProto()
    binary, text = path / "saved_model.pb", path / "saved_model.pbtxt"
    if binary.is_file():
        content = binary.read_bytes()
        try:
            # Python stops without an error at the end of a group that never began.
            is_whole = model.ParseFromString(content) == len(content)
        except DecodeError:
            is_whole = False
        if not is_whole and _is_cut_short(content):
            raise ServingError(grpc.StatusCode.OUT_OF_RANGE, "Read less bytes than requested")
        if not is_whole:
            raise data_loss(f"Can't parse {binary} as binary proto")
    elif text.is_file():
        try:
            text_format.Parse(text.read_text("utf-8"), model)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise data_loss(f"Can't parse {text} as text proto") from error
    else:
        raise not_found(
            "Specified file path does not appear to contain a SavedModel bundle (should have a "
            f"file called `saved_model.pb`)\nSpecified file path: {path}"
        )
    for graph in model.meta_graphs:
        if set(graph.meta_info_def.tags) == _TAGS:
            return graph
    raise not_found(
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(_TAGS)} }}. To "
        "inspect available tag-sets in the SavedModel, please use the SavedModel CLI: "
        "`saved_model_cli`"
    )


def _is_cut_short(content: bytes) -> bool:
    """Says whether the last field of a serialized SavedModel is longer than what is left."""
    try:
        return max(field_ends(content), default=0) > len(content)
    except IndexError:
        return True
    except DecodeError:
        return False


def _has_loops(graph: MetaGraphDef) -> bool:
    functions = (function.node_def for function in graph.graph_def.library.function)
    nodes = itertools.chain(graph.graph_def.node, *functions)
    return any(node.op in _LOOPS for node in nodes)


def _run_options(deadline: float) -> Any:
    milliseconds = int((deadline - time.monotonic()) * 1000)
    # 0 would be no limit.
    options = RunOptions(timeout_in_ms=max(1, milliseconds))
    return pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())


def _session_config(has_loops: bool, given: ConfigProto | None) -> ConfigProto:
    # Requests already run in parallel: spreading one, or one operation, over threads nearly doubles
    # the time of a small model. But only a run on those threads can be stopped.
    config = ConfigProto(
        allow_soft_placement=True,
        inter_op_parallelism_threads=0 if has_loops else -1,
        intra_op_parallelism_threads=1,
    )
    # Else the first model takes all the memory of the GPU.
    config.gpu_options.allow_growth = True
    if given is not None:
        config.MergeFrom(given)
    return config


def _set_up(session: Session, graph: MetaGraphDef, path: Path) -> None:
    with session.graph.as_default():
        import_graph_def(graph.graph_def, name="")
    # The public run does this each time; this module's does not.
    session._extend_graph()
    assets = {
        asset.tensor_info.name: str(path / "assets" / asset.filename) for asset in _assets(graph)
    }
    variables = path / "variables" / "variables"
    if variables.with_name("variables.index").is_file():
        saver = graph.saver_def
        session.run(saver.restore_op_name, {saver.filename_tensor_name: str(variables), **assets})
    init = _init_op(graph, path)
    if init:
        session.run(init, assets)


def _assets(graph: MetaGraphDef) -> list[AssetFileDef]:
    if graph.asset_file_def:
        return list(graph.asset_file_def)
    # TensorFlow 1 kept them in a collection.
    assets = []
    for packed in graph.collection_def["saved_model_assets"].any_list.value:
        asset = AssetFileDef()
        packed.Unpack(asset)
        assets.append(asset)
    return assets


def _init_op(graph: MetaGraphDef, path: Path) -> str:
    if _INIT_OP in graph.signature_def:
        outputs = graph.signature_def[_INIT_OP].outputs
        if _INIT_OP not in outputs:
            raise failed_precondition(f"Could not find output {_INIT_OP}")
        return str(outputs[_INIT_OP].name).partition(":")[0]
    for key in ("saved_model_main_op", "legacy_init_op"):
        if key in graph.collection_def:
            nodes = graph.collection_def[key].node_list.value
            if len(nodes) != 1:
                raise failed_precondition(f"Expected exactly one main op in : {path}")
            return str(nodes[0])
    return ""
