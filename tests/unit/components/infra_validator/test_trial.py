"""Whole trials: a right model is blessed, each broken one refused for its fault."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from tfx import types
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from components.infra_validator import trial
from components.infra_validator.checks import VALUE_CHECKS
from components.infra_validator.server_process import ServerProcess
from components.trainer.export import export_model
from components.trainer.signatures import ServedTagger
from components.trainer.transform_graph import TransformGraph
from serving.warmup import warmup_requests
from tests.support.artifacts import make_artifact
from tests.support.candidates import (
    InnerServer,
    change_graph,
    changed_copy,
    execute,
    make_examples,
)
from tests.support.fake_servers import put_server
from tests.support.trainer_served import TOP_K
from tests.unit.components.infra_validator.conftest import THRESHOLD

PAPERS = 8


@pytest.fixture(scope="module")
def examples(records, tmp_path_factory) -> types.Artifact:
    return make_examples(tmp_path_factory.mktemp("examples") / "here", "val", records)


def failed(report: dict) -> dict[str, str]:
    checks = report["checks"]
    return {each["name"]: each["message"] for each in checks if each["result"] == "failed"}


def test_a_right_model_passes_on_a_real_server(exported, examples, tmp_path, monkeypatch):
    started = []

    class Watched(ServerProcess):
        def __enter__(self) -> ServerProcess:
            started.append(super().__enter__().pid)
            return self

    monkeypatch.setattr(trial, "ServerProcess", Watched)
    model = changed_copy(exported, tmp_path / "model", lambda _: None)
    _, report = execute(model, examples, tmp_path / "blessing", examples=PAPERS)
    assert failed(report) == {}
    assert [each["name"] for each in report["checks"]][-len(VALUE_CHECKS) :] == list(VALUE_CHECKS)
    assert report["passed"] is True
    assert report["papers"] == PAPERS
    assert report["server"] == ServerProcess(tmp_path, tmp_path).kind
    assert report["seconds"] > 0
    (pid,) = started
    assert not Path(f"/proc/{pid}").exists()
    # It played the warm-up requests.
    log = (tmp_path / "blessing" / "server.log").read_text()
    read = re.search(r"Number of warmup records read: (\d+)", log)
    assert read, log
    assert int(read[1]) == len(warmup_requests())


@pytest.fixture
def attempt(examples, tmp_path, monkeypatch):
    """Tries a model on a server inside of this process; returns its report."""
    monkeypatch.setattr(trial, "ServerProcess", InnerServer)

    def run(model: types.Artifact) -> dict:
        blessing, report = execute(model, examples, tmp_path / "blessing", examples=PAPERS)
        assert blessing.get_int_custom_property("blessed") == int(not failed(report))
        return report

    return run


def test_a_model_on_remote_storage_is_copied_first(exported, tmp_path, monkeypatch):
    listed = io_utils.fileio.walk

    def walk(top: str):
        """TensorFlow's memory also lists `assets.extra` as a file `.extra` in `assets`."""
        for path, folders, files in listed(top):
            yield path, folders, [name for name in files if not name.startswith(".")]

    def read_tree(folder: Path) -> dict[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    monkeypatch.setattr(io_utils.fileio, "walk", walk)
    io_utils.copy_dir(str(exported), "ram://candidate/model")
    placed = trial._place("ram://candidate/model", tmp_path / "models")
    assert read_tree(placed) == read_tree(exported)


def set_info(**info: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "assets.extra" / "model_info.json").write_text(json.dumps(info))

    return change


def swap_labels_and_change_threshold(folder: Path) -> None:
    path = folder / "assets" / "labels"
    first, second, *rest = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([second, first, *rest, b""]))
    set_info(threshold=0.05)(folder)


def truncate_variables(folder: Path) -> None:
    (data,) = (folder / "variables").glob("variables.data-*")
    os.truncate(data, 40)


def forget_default_and_warmup(folder: Path) -> None:
    """With its warm-up requests it would not even load."""
    (folder / "assets.extra" / "tf_serving_warmup_requests").unlink()
    change_graph(lambda graph: graph.signature_def.pop("serving_default"))(folder)


def lose_method(folder: Path) -> None:
    """As TensorFlow's `save` leaves it."""
    method = "tensorflow/serving/predict"
    change_graph(lambda graph: setattr(graph.signature_def["classify"], "method_name", method))(
        folder
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            swap_labels_and_change_threshold,
            {
                "scores belong to their labels": "has the score",
                "labels suggested from the threshold up": "threshold 0.05",
            },
        ),
        (set_info(note="x"), {"labels and threshold": "threshold"}),
        (lambda folder: (folder / "assets" / "labels").unlink(), {"labels and threshold": ""}),
        (
            truncate_variables,
            {"the exported model answers": "", "the server loads it": "RestoreV2"},
        ),
        (
            forget_default_and_warmup,
            {
                "answers over gRPC": 'Serving signature key "serving_default" not found',
                "answers over REST": '\\"serving_default\\" not found',
            },
        ),
        (lose_method, {"the server loads it": "tensorflow/serving/classify"}),
    ],
    ids=[
        "other labels and threshold",
        "no threshold",
        "no label asset",
        "variables",
        "no serving_default",
        "no classify method",
    ],
)
def test_a_broken_file_is_refused_for_its_fault(attempt, exported, tmp_path, change, expected):
    report = attempt(changed_copy(exported, tmp_path / "model", change))
    found = failed(report)
    assert found.keys() == expected.keys(), found
    assert report["passed"] is False
    for name, message in expected.items():
        assert message in found[name]


class Ascending(ServedTagger):
    """Answers the worst of its best labels first."""

    def best_labels(self, probabilities):
        return tuple(tf.reverse(each, [1]) for each in super().best_labels(probabilities))


class KerasVariables(ServedTagger):
    """Holds the network itself, so each variable stands in the graph twice.

    Python loads it all the same; TensorFlow's C++ loader sets up the ones that nothing reads.
    """

    def __init__(self, model: keras.Model, *args: object, **kwargs: object) -> None:
        super().__init__(model, *args, **kwargs)
        self.network = model
        self._weights = []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Ascending, {"scores belong to their labels"}),
        (KerasVariables, {"the server loads it"}),
    ],
)
def test_a_model_that_answers_wrongly_is_refused(attempt, parts, tmp_path, kind, expected):
    graph = TransformGraph(parts.analysis.output.transform_savedmodel_dir)
    labels = parts.analysis.labels
    tagger = kind(parts.model, graph, labels, THRESHOLD, TOP_K)
    model = make_artifact(standard_artifacts.Model, tmp_path / "model")
    export_model(tagger, f"{model.uri}/Format-Serving", {"threshold": THRESHOLD})
    report = attempt(model)
    assert failed(report).keys() == expected, failed(report)


def test_a_server_that_crashes_on_a_request_is_the_models_fault(
    exported, examples, tmp_path, monkeypatch
):
    put_server(tmp_path / "bin", 'serve(state("AVAILABLE"), then=os.abort)')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    model = changed_copy(exported, tmp_path / "model", lambda _: None)
    _, report = execute(model, examples, tmp_path / "blessing", examples=2)
    assert "SIGABRT" in failed(report)["answers over gRPC"]
