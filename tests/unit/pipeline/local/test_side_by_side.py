"""Nodes that run beside others, through TFX's own launcher: order, errors, and what is stopped."""

import threading
import time
from contextlib import nullcontext

import pytest
from joblib.externals.loky import get_reusable_executor
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.types.standard_artifacts import Model

from pipeline.local import runner
from pipeline.local.runner import run_pipeline

WAIT = 30
quick_ran = threading.Event()
worker_asked = threading.Event()


@component
def Aside(made: OutputArtifact[Model], how: Parameter[str]):  # noqa: N802 - a component's name.
    if how == "in another process":
        waiting = get_reusable_executor(1).submit(time.sleep, WAIT)
        worker_asked.set()
        waiting.result()
    assert quick_ran.wait(WAIT), "Quick was kept waiting"
    if how == "fails":
        raise ValueError("Aside's own error")


@component
def Quick(made: OutputArtifact[Model], how: Parameter[str]):  # noqa: N802
    if how == "fails":
        assert worker_asked.wait(WAIT)
        raise ValueError("Quick's own error")
    quick_ran.set()


@component
def Last(made: OutputArtifact[Model]):  # noqa: N802
    assert quick_ran.is_set()


class Told:
    """Stands for the narrator: what it was told, in order."""

    def __init__(self):
        self.lines = []

    def started(self, node_id):
        self.lines.append(f"{node_id} started")

    def finished(self, result):
        self.lines.append(f"{result.node_id} {'cached' if result.cached else 'done'}")

    def failed(self, node_id, seconds):
        assert seconds >= 0
        self.lines.append(f"{node_id} failed")


@pytest.fixture
def run(tmp_path):
    quick_ran.clear()
    worker_asked.clear()

    def start(slow="works", quick="works", error=None):
        first, second, last = Aside(how=slow), Quick(how=quick), Last()
        last.add_upstream_nodes([first, second])
        pipeline = tfx.dsl.Pipeline(
            pipeline_name="side_by_side",
            pipeline_root=str(tmp_path / "out"),
            components=[first, second, last],
            enable_cache=True,
            metadata_connection_config=sqlite_metadata_connection_config(str(tmp_path / "mlmd")),
        )
        told = Told()
        with pytest.raises(error) if error else nullcontext() as raised:
            return told.lines, run_pipeline(pipeline, told, beside=["Aside"])
        return told.lines, raised.value

    return start


def test_others_run_meanwhile_but_those_that_need_it(run):
    lines, results = run()
    assert list(results) == ["Aside", "Quick", "Last"]
    assert lines.index("Aside started") < lines.index("Aside done") < lines.index("Last started")
    assert lines.index("Quick done") < lines.index("Last started")


def test_it_comes_from_the_cache_and_only_new_work_is_cleared_up_after(run, monkeypatch):
    cleared = []
    monkeypatch.setattr(runner, "release_memory", lambda: cleared.append(True))
    run()
    assert len(cleared) == 2
    lines, results = run()
    assert all(result.cached for result in results.values())
    assert [line for line in lines if line.endswith("cached")][-1] == "Last cached"
    assert len(cleared) == 2


def test_its_error_ends_the_run(run):
    lines, error = run(slow="fails", error=ValueError)
    assert "Aside's own error" in str(error)
    assert "Aside failed" in lines
    assert "Last started" not in lines
    # What was done beside it is not lost.
    quick_ran.set()
    lines, results = run()
    assert results["Quick"].cached


def test_another_nodes_error_stops_its_processes(run):
    lines, error = run(slow="in another process", quick="fails", error=ValueError)
    assert "Quick's own error" in str(error)
    assert "Quick failed" in lines
    # It did nothing wrong.
    assert "Aside failed" not in lines
    assert "Aside done" not in lines
