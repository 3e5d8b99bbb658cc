"""What the speed benchmark sees from outside: memory of all processes, and ML Metadata's times."""

import sys
import time
from pathlib import Path

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

from benchmarks.speed.executions import Execution, read_executions
from benchmarks.speed.observe import CommandError, observe

MEGABYTE = 10**6
# Long enough to be sampled more than once.
HOLD = "import time; held = b'x' * 300_000_000; time.sleep(1)"
START = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {!r}])"


def is_running(pid):
    """Whether there is more of a process than its number, which waits to be read."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def test_memory_of_children_counts():
    waiting = START.format(HOLD) + "; child.wait()"
    assert observe([sys.executable, "-c", waiting]).peak_bytes > 300 * MEGABYTE
    alone = observe([sys.executable, "-c", "print('done')"])
    assert alone.peak_bytes < 100 * MEGABYTE
    assert alone.printed == "done\n"


def test_memory_of_a_child_counts_when_its_parent_has_ended():
    between = START.format(HOLD) + "; import time; time.sleep(0.3)"
    waiting = START.format(between) + "; child.wait(); import time; time.sleep(1)"
    seen = observe([sys.executable, "-c", waiting])
    after = [size for at, size in seen.samples if at > seen.started + seen.seconds - 0.8]
    assert max(after) > 300 * MEGABYTE


def test_what_a_command_leaves_running_is_ended():
    script = START.format("import time; time.sleep(60)") + "\nprint(child.pid)"
    left = int(observe([sys.executable, "-c", script]).printed)
    deadline = time.monotonic() + 10
    while is_running(left):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_command_that_fails_tells_its_last_lines():
    script = "import sys; print('told'); print('why', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandError, match=r"ended with 3:\ntold\nwhy"):
        observe([sys.executable, "-c", script])


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
