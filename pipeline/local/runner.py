"""Runs the graph on this machine, node by node, and tells an observer what happens.

TFX's own LocalDagRunner has no such hook; this is its loop around TFX's launcher.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib

from pipeline.local.interruption import remembered_interrupts
from pipeline.local.spare_memory import give_back_memory


@dataclass(frozen=True)
class NodeResult:
    """What became of a node.

    Attributes:
        node_id: The id of the component.
        seconds: How long it took.
        cached: Whether an earlier run's outputs were taken.
        outputs: Its output artifacts by key.
    """

    node_id: str
    seconds: float
    cached: bool
    outputs: dict[str, list[Any]] = field(default_factory=dict)

    def artifact(self, key: str) -> Any:
        """Returns the one artifact of an output."""
        (artifact,) = self.outputs[key]
        return artifact


class Observer(Protocol):
    """Hears of every node as it starts and ends."""

    def started(self, node_id: str) -> None:
        """A node starts."""

    def finished(self, result: NodeResult) -> None:
        """A node has run, or was found in the cache."""

    def failed(self, node_id: str, seconds: float) -> None:
        """A node raised; the error follows."""


def run_pipeline(pipeline: Pipeline, observer: Observer) -> dict[str, NodeResult]:
    """Runs a pipeline to its end.

    Args:
        pipeline: The graph, with the connection to its metadata store.
        observer: Hears of every node.

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
    with remembered_interrupts() as raise_lost_interrupt:
        for entry in graph.nodes:
            raise_lost_interrupt()
            node = entry.pipeline_node
            node_id = node.node_info.id
            observer.started(node_id)
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
                observer.failed(node_id, time.monotonic() - start)
                raise
            cached, outputs = _recorded(connection, execution.execution_id)
            # A resolver's outputs are its answer; no execution of its own records them.
            results[node_id] = NodeResult(
                node_id, time.monotonic() - start, cached, outputs or execution.output_dict
            )
            give_back_memory()
            observer.finished(results[node_id])
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
