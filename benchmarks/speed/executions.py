"""When each component of the latest pipeline run ran, from its ML Metadata store."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2


class Execution(NamedTuple):
    """A component of a run, with the Unix times of its start and end."""

    # Also the name of its outputs' folders.
    id: int
    component: str
    started: float
    ended: float
    cached: bool


def read_executions(store: Path) -> list[Execution]:
    """Reads the executions of the latest pipeline run, in the order in which they started.

    Resolvers are left out: they only look up earlier artifacts.

    Args:
        store: The SQLite file of the metadata store; nothing may be writing to it.
    """
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(store)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    open_store = metadata_store.MetadataStore(config)
    runs = open_store.get_contexts_by_type("pipeline_run")
    latest = max(runs, key=lambda run: int(run.create_time_since_epoch))
    found = []
    for execution in open_store.get_executions_by_context(latest.id):
        if execution.type.endswith(".Resolver"):
            continue
        (node,) = (
            context.name
            for context in open_store.get_contexts_by_execution(execution.id)
            if context.type == "node"
        )
        found.append(
            Execution(
                id=execution.id,
                component=node.rpartition(".")[2],
                started=execution.create_time_since_epoch / 1000,
                ended=execution.last_update_time_since_epoch / 1000,
                cached=execution.last_known_state == metadata_store_pb2.Execution.CACHED,
            )
        )
    return sorted(found, key=lambda each: (each.started, each.id))
