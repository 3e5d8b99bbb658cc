"""When components ran, by the ML Metadata store."""

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

from benchmarks.speed.executions import Execution, read_executions


def test_executions_of_the_latest_run(tmp_path):
    file = tmp_path / "metadata.sqlite"
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(file)
    store = metadata_store.MetadataStore(config)
    kinds = {
        name: store.put_context_type(metadata_store_pb2.ContextType(name=name))
        for name in ("pipeline_run", "node")
    }

    def context(kind, name):
        made = metadata_store_pb2.Context(type_id=kinds[kind], name=name)
        return store.put_contexts([made])[0]

    def execute(kind, node, run, state):
        kind_id = store.put_execution_type(metadata_store_pb2.ExecutionType(name=kind))
        made = metadata_store_pb2.Execution(type_id=kind_id, last_known_state=state)
        (number,) = store.put_executions([made])
        associations = [
            metadata_store_pb2.Association(execution_id=number, context_id=context_id)
            for context_id in (run, nodes[node])
        ]
        store.put_attributions_and_associations([], associations)
        return number

    states = metadata_store_pb2.Execution
    nodes = {name: context("node", f"tagger.{name}") for name in ("Trainer", "Pusher", "Last")}
    first = context("pipeline_run", "first")
    execute("x.Trainer", "Trainer", first, states.COMPLETE)
    latest = context("pipeline_run", "latest")
    execute("tfx.dsl.Resolver", "Last", latest, states.COMPLETE)
    trainer = execute("x.Trainer", "Trainer", latest, states.CACHED)
    pusher = execute("x.Pusher", "Pusher", latest, states.COMPLETE)
    found = read_executions(file)
    assert [(each.id, each.component, each.cached) for each in found] == [
        (trainer, "Trainer", True),
        (pusher, "Pusher", False),
    ]
    assert all(isinstance(each, Execution) and each.started <= each.ended for each in found)
