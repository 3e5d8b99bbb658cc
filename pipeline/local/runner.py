"""Runs the graph on this machine, node by node, and says what happens.

TFX's own LocalDagRunner has no hook for that; this is its loop around TFX's launcher.
"""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from types import FrameType
from typing import Any, ClassVar, Final

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration.pipeline_pb2 import PipelineNode

from components.baselines.linear_svc import stop_processes
from components.memory import release_memory
from pipeline.local.narrator import Narrator
from pipeline.local.results import NodeResult

_STOP_SECONDS: Final = 0.2


def run_pipeline(
    pipeline: Pipeline, narrator: Narrator, beside: Collection[str] = ()
) -> dict[str, NodeResult]:
    """Runs a pipeline to its end.

    Args:
        pipeline: The graph, with the connection to its metadata store.
        narrator: Told of every node as it starts and ends.
        beside: Ids of nodes that run beside those that don't need them, one at a time.

    Returns:
        What became of each node, by its id, in the order of the graph.

    Raises:
        Exception: Whatever a component raised; nodes that were done stay in the cache, one that
            ran beside the others is stopped.
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

    def run_node(node: PipelineNode) -> NodeResult:
        node_id = node.node_info.id
        narrator.started(node_id)
        start = time.monotonic()
        try:
            execution = launcher.Launcher(
                pipeline_node=node,
                mlmd_connection=_Metadata(connection),
                pipeline_info=graph.pipeline_info,
                pipeline_runtime_spec=graph.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
            ).launch()
            cached, outputs = _recorded(connection, execution.execution_id)
        except BaseException:
            if not side.stopping:
                narrator.failed(node_id, time.monotonic() - start)
            raise
        # A resolver's outputs are its answer; no execution of its own records them.
        outputs = outputs or execution.output_dict
        result = NodeResult(node_id, time.monotonic() - start, cached, outputs)
        narrator.finished(result)
        return result

    side = _SideThread()
    results: dict[str, NodeResult | Future[NodeResult]] = {}
    with ExitStack() as stack, track_interrupts() as raise_pending_interrupt, side:
        # What the libraries made while they were loaded stays until the end anyway, and each walk
        # of the garbage collector through it takes half a second.
        gc.freeze()
        stack.callback(gc.unfreeze)
        for entry in graph.nodes:
            raise_pending_interrupt()
            node = entry.pipeline_node
            for earlier, result in results.items():
                if isinstance(result, Future) and (result.done() or earlier in node.upstream_nodes):
                    results[earlier] = result.result()
            if node.node_info.id in beside:
                results[node.node_info.id] = side.submit(run_node, node)
                continue
            result = results[node.node_info.id] = run_node(node)
            if not result.cached:
                release_memory()
        return {
            node_id: result.result() if isinstance(result, Future) else result
            for node_id, result in results.items()
        }


class _SideThread:
    """A thread for nodes whose work other processes do; an error in the context ends these."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._futures: list[Future[NodeResult]] = []
        self.stopping = False

    def __enter__(self) -> _SideThread:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self.stopping = error is not None
        self._pool.shutdown(wait=False, cancel_futures=self.stopping)
        # Again and again, since it may not have begun them.
        while self.stopping and wait(self._futures, timeout=_STOP_SECONDS).not_done:
            stop_processes()
        self._pool.shutdown()

    def submit(
        self, work: Callable[[PipelineNode], NodeResult], node: PipelineNode
    ) -> Future[NodeResult]:
        """Runs a node after those submitted before."""
        self._futures.append(self._pool.submit(work, node))
        return self._futures[-1]


class _Metadata(metadata.Metadata):
    """A connection that waits for other threads' connections: the store is one SQLite file."""

    _lock: ClassVar[threading.RLock] = threading.RLock()

    def __enter__(self) -> metadata.Metadata:
        self._lock.acquire()
        try:
            return super().__enter__()
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *error: Any) -> None:
        try:
            super().__exit__(*error)
        finally:
            self._lock.release()


def _recorded(connection: Any, execution_id: int | None) -> tuple[bool, dict[str, list[Any]]]:
    """Returns whether an execution was cached, and its outputs.

    The launcher's own answer names the outputs that a cached execution would have written.
    """
    if execution_id is None:
        return False, {}
    with _Metadata(connection) as handle:
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
    except Exception:
        # Beam wraps whatever ends a stage in an error of its own.
        raise_if_lost()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
