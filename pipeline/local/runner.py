"""Runs the graph on this machine, node by node, and says what happens.

TFX's own LocalDagRunner has no hook for that; this is its loop around TFX's launcher.
"""

from __future__ import annotations

import ctypes
import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from types import FrameType
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib

from pipeline.local.narrator import Narrator
from pipeline.local.results import NodeResult


def run_pipeline(pipeline: Pipeline, narrator: Narrator) -> dict[str, NodeResult]:
    """Runs a pipeline to its end.

    Args:
        pipeline: The graph, with the connection to its metadata store.
        narrator: Told of every node as it starts and ends.

    Returns:
        What became of each node, by its id, in the order in which they ran.

    Raises:
        Exception: Whatever a component raised; nodes that were done stay in the cache.
        KeyboardInterrupt: Ctrl-C, before the next node at the latest.
    """
    graph = compiler.Compiler().compile(pipeline)
    run_id = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%f")
    runtime_parameter_utils.substitute_runtime_parameter(
        graph, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    deployment = runner_utils.extract_local_deployment_config(graph)
    connection = getattr(
        deployment.metadata_connection_config,
        deployment.metadata_connection_config.WhichOneof("connection_config"),
    )
    results: dict[str, NodeResult] = {}
    with _loaded_objects_kept(), track_interrupts() as raise_pending_interrupt:
        for entry in graph.nodes:
            raise_pending_interrupt()
            node = entry.pipeline_node
            node_id = node.node_info.id
            narrator.started(node_id)
            start = time.monotonic()
            try:
                execution = launcher.Launcher(
                    pipeline_node=node,
                    mlmd_connection=metadata.Metadata(connection),
                    pipeline_info=graph.pipeline_info,
                    pipeline_runtime_spec=graph.runtime_spec,
                    executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
                    custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
                ).launch()
            except BaseException:
                narrator.failed(node_id, time.monotonic() - start)
                raise
            cached, outputs = _recorded(connection, execution.execution_id)
            # A resolver's outputs are its answer; no execution of its own records them.
            results[node_id] = NodeResult(
                node_id, time.monotonic() - start, cached, outputs or execution.output_dict
            )
            if not cached:
                release_memory()
            narrator.finished(results[node_id])
    return results


def _recorded(connection: Any, execution_id: int | None) -> tuple[bool, dict[str, list[Any]]]:
    """Returns whether an execution was cached, and its outputs.

    The launcher's own answer names the outputs that a cached execution would have written.
    """
    if execution_id is None:
        return False, {}
    with metadata.Metadata(connection) as handle:
        (execution,) = handle.store.get_executions_by_id([execution_id])
        outputs = execution_lib.get_output_artifacts(handle, execution_id)
    cached = execution.last_known_state == metadata_store_pb2.Execution.State.CACHED
    return bool(cached), outputs


@contextmanager
def track_interrupts() -> Iterator[Callable[[], None]]:
    """Raises KeyboardInterrupt at Ctrl-C as ever, and remembers that there was one.

    Python drops an exception that is raised in a destructor or in a callback from C, and the
    libraries of a run are full of both while they load: Ctrl-C would have no effect.

    Yields:
        A function that raises KeyboardInterrupt if one was dropped.
    """
    # Signals reach the main thread alone, and only there may handlers be set.
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    interrupted = False

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    def raise_if_lost() -> None:
        if interrupted:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield raise_if_lost
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _loaded_objects_kept() -> Iterator[None]:
    """Spares the garbage collector what the libraries have made while they were loaded.

    It stays until the end anyway, and each walk through it takes half a second.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def release_memory() -> None:
    """Collects garbage, and has glibc return its free pages to the system.

    All components share one process. What Beam held in small pieces would stay with the C library
    and count beside what the next component needs. Other C libraries have no such function.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
