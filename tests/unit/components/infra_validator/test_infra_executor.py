"""Whole trials: a right model is blessed, each broken one refused for its fault."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tfx import types
from tfx.components.pusher import executor as stock_pusher
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from components.infra_validator import trial
from components.infra_validator.component import InfraValidator
from components.infra_validator.executor import Executor
from components.infra_validator.report import CHECKS
from components.infra_validator.requests import Question, make_questions
from components.infra_validator.server_process import ServerProcess
from components.labels.threshold_choice import LabelThresholds, describe_thresholds
from components.trainer.export import export_model
from components.trainer.signatures import ServedTagger
from schema.errors import BadInputError, TaggerError
from serving.warmup import warmup_requests
from tests.support.candidates import (
    InnerServer,
    artifact,
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
    return {each["name"]: each["words"] for each in report["checks"] if each["result"] == "failed"}


def skipped(report: dict) -> set[str]:
    return {each["name"] for each in report["checks"] if each["result"] == "skipped"}


def after(check: str) -> set[str]:
    """The checks that follow one."""
    return set(CHECKS[CHECKS.index(check) + 1 :])


class Watched(ServerProcess):
    """Remembers the processes that were started."""

    pids: list[int] = []  # noqa: RUF012

    def __enter__(self) -> ServerProcess:
        super().__enter__()
        self.pids.append(self.pid)
        return self


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class Tried:
    """One trial on a real server: the candidate was changed before."""

    def __init__(self, exported: Path, examples: types.Artifact, folder: Path, change: Callable):
        model = changed_copy(exported, folder / "model", change)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trial, "ServerProcess", Watched)
            patch.setattr(Watched, "pids", [])
            self.uri = folder / "blessing"
            self.blessing, self.report = execute(model, examples, self.uri, examples=PAPERS)
            self.pids = list(Watched.pids)


@pytest.fixture(scope="module")
def right(exported, examples, tmp_path_factory) -> Tried:
    return Tried(exported, examples, tmp_path_factory.mktemp("right"), lambda _: None)


@pytest.fixture(scope="module")
def damaged(exported, examples, tmp_path_factory) -> Tried:
    """The variables end after a few bytes."""

    def truncate(folder: Path) -> None:
        (data,) = (folder / "variables").glob("variables.data-*")
        os.truncate(data, 40)

    return Tried(exported, examples, tmp_path_factory.mktemp("damaged"), truncate)


def test_a_right_model_passes_every_check(right):
    assert failed(right.report) == {}
    assert [each["name"] for each in right.report["checks"]] == list(CHECKS)
    assert right.report["passed"] is True
    assert right.report["papers"] == PAPERS
    assert right.report["server"] == ServerProcess("m", right.uri, right.uri).kind
    assert right.report["seconds"] > 0


def test_the_server_was_a_process_and_is_gone(right, damaged):
    for tried in (right, damaged):
        (pid,) = tried.pids
        assert is_gone(pid)
        assert (tried.uri / "server.log").stat().st_size > 0


def test_the_server_played_the_requests_that_warm_it_up(right):
    log = (right.uri / "server.log").read_text()
    read = re.search(r"Number of warmup records read: (\d+)", log)
    assert read, log
    assert int(read[1]) == len(warmup_requests())


def test_a_damaged_model_is_refused_in_the_servers_words(damaged):
    (reason,) = failed(damaged.report).items()
    assert reason[0] == "the server loads it"
    assert "RestoreV2" in reason[1]
    assert skipped(damaged.report) == after("the server loads it")
    assert damaged.report["passed"] is False


@pytest.mark.parametrize(
    ("name", "blessed", "file"),
    [("right", 1, "INFRA_BLESSED"), ("damaged", 0, "INFRA_NOT_BLESSED")],
)
def test_the_blessing_is_as_tfx_has_it(request, name, blessed, file):
    tried = request.getfixturevalue(name)
    assert tried.blessing.get_int_custom_property("blessed") == blessed
    assert {path.name for path in tried.uri.iterdir()} == {
        file,
        "infra_validation.json",
        "server.log",
    }
    # TFX's own Pusher reads it so.
    model_blessing = artifact(standard_artifacts.ModelBlessing, tried.uri.parent / "evaluated")
    model_blessing.set_int_custom_property("blessed", 1)
    inputs = {"model_blessing": [model_blessing], "infra_blessing": [tried.blessing]}
    assert stock_pusher.Executor().CheckBlessing(inputs) is bool(blessed)


@pytest.fixture
def attempt(examples, tmp_path, monkeypatch):
    """Tries a model on a server inside of this process; returns its report."""
    monkeypatch.setattr(trial, "ServerProcess", InnerServer)

    def run(model: types.Artifact) -> dict:
        blessing, report = execute(model, examples, tmp_path / "blessing", examples=PAPERS)
        assert blessing.get_int_custom_property("blessed") == int(not failed(report))
        return report

    return run


def local_models_only(model: types.Artifact, *others: object) -> list[Question]:
    assert Path(model.uri).is_dir()
    return make_questions(model, *others)


def test_a_model_on_remote_storage_is_tried_on_a_local_copy(exported, attempt, monkeypatch):
    """In TensorFlow's memory, which no other process could read from."""
    listed = io_utils.fileio.walk

    def walk(top: str):
        """Without `assets.extra` as a file `.extra` in `assets`, as the memory lists it too."""
        for path, folders, files in listed(top):
            yield path, folders, [name for name in files if not name.startswith(".")]

    monkeypatch.setattr(io_utils.fileio, "walk", walk)
    model = standard_artifacts.Model()
    model.uri = "ram://candidate/model"
    io_utils.copy_dir(str(exported), f"{model.uri}/Format-Serving")
    monkeypatch.setattr(trial, "make_questions", local_models_only)
    served = {}

    class Remembering(InnerServer):
        def __init__(self, model_name: str, base_path: Path, log: Path) -> None:
            super().__init__(model_name, base_path, log)
            version = base_path / "1"
            served.update(
                {
                    str(p.relative_to(version)): p.read_bytes()
                    for p in version.rglob("*")
                    if p.is_file()
                }
            )

    monkeypatch.setattr(trial, "ServerProcess", Remembering)
    assert failed(attempt(model)) == {}
    assert served == {
        str(p.relative_to(exported)): p.read_bytes() for p in exported.rglob("*") if p.is_file()
    }


def swap_first_labels(folder: Path) -> None:
    path = folder / "assets" / "labels"
    first, second, *rest = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([second, first, *rest, b""]))


def set_info(**info: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "assets.extra" / "model_info.json").write_text(json.dumps(info))

    return change


def forget(signature: str) -> Callable[[Path], None]:
    return change_graph(lambda graph: graph.signature_def.pop(signature))


def without_warmup(change: Callable[[Path], None]) -> Callable[[Path], None]:
    """Lets a model load that the requests at its load would stop."""

    def both(folder: Path) -> None:
        (folder / "assets.extra" / "tf_serving_warmup_requests").unlink()
        change(folder)

    return both


def lose_method(folder: Path) -> None:
    """As TensorFlow's `save` leaves it."""
    method = "tensorflow/serving/predict"
    change_graph(lambda graph: setattr(graph.signature_def["classify"], "method_name", method))(
        folder
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (swap_first_labels, {"scores belong to their labels": "at its place in"}),
        (set_info(threshold=0.05), {"suggested from the threshold on": "threshold 0.05"}),
        (set_info(note="x"), {"vocabulary and threshold": "threshold"}),
        (lambda folder: (folder / "assets" / "labels").unlink(), {"vocabulary and threshold": ""}),
        (
            lambda folder: os.truncate(folder / "saved_model.pb", 5000),
            {"the server loads it": "saved_model.pb"},
        ),
        (forget("evaluate"), {"requests can be made": "evaluate"}),
        (forget("probabilities"), {"the server loads it": '"probabilities" not found'}),
        (
            without_warmup(forget("serving_default")),
            {
                "answers over gRPC": 'Serving signature key "serving_default" not found',
                "answers over REST": '\\"serving_default\\" not found',
            },
        ),
        (lose_method, {"the server loads it": "tensorflow/serving/classify"}),
    ],
    ids=[
        "label asset",
        "threshold",
        "no threshold",
        "no label asset",
        "graph",
        "no evaluate",
        "no probabilities",
        "no serving_default",
        "no classify method",
    ],
)
def test_a_broken_file_is_refused_for_its_fault(attempt, exported, tmp_path, change, expected):
    found = failed(attempt(changed_copy(exported, tmp_path / "model", change)))
    assert found.keys() == expected.keys(), found
    for name, words in expected.items():
        assert words in found[name]


OWN = np.array([0.15, 0.85, 0.35, 0.6, 0.75, 0.45], np.float32)


@pytest.mark.parametrize(
    ("told", "expected"), [(OWN, set()), (OWN[::-1], {"suggested from the threshold on"})]
)
def test_a_model_is_held_to_its_labels_own_thresholds(attempt, parts, tmp_path, told, expected):
    labels = [label.decode() for label in parts.analysis.labels]
    described = describe_thresholds(LabelThresholds("per_label", told, THRESHOLD), labels)
    model = artifact(standard_artifacts.Model, tmp_path / "model")
    tagger = parts.tagger(OWN)
    export_model(tagger, f"{model.uri}/Format-Serving", {"threshold": THRESHOLD, **described})
    assert failed(attempt(model)).keys() == expected


class Ascending(ServedTagger):
    """Answers the worst of its best labels first."""

    def best_labels(self, probabilities):
        return tuple(tf.reverse(each, [1]) for each in super().best_labels(probabilities))


class OtherNames(ServedTagger):
    """Gives the scores the names of other labels."""

    def best_labels(self, probabilities):
        labels, *others = super().best_labels(probabilities)
        return tf.reverse(labels, [1]), *others


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
        (Ascending, {"scores best first, 0 to 1", "scores belong to their labels"}),
        (OtherNames, {"scores belong to their labels"}),
        (KerasVariables, {"the server loads it"}),
    ],
)
def test_a_model_that_answers_wrongly_is_refused(attempt, parts, tmp_path, kind, expected):
    layer = parts.analysis.output.transform_features_layer()
    labels = parts.analysis.labels
    tagger = kind(parts.model, layer, labels, np.full(len(labels), THRESHOLD), TOP_K)
    model = artifact(standard_artifacts.Model, tmp_path / "model")
    export_model(tagger, f"{model.uri}/Format-Serving", {"threshold": THRESHOLD})
    report = attempt(model)
    assert failed(report).keys() == expected, failed(report)


@pytest.fixture
def play(exported, examples, tmp_path, monkeypatch):
    """Tries a right model on a program that plays a scene."""

    def run(scene: str, **settings: object) -> dict:
        put_server(tmp_path / "bin", scene)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
        model = changed_copy(exported, tmp_path / "model", lambda _: None)
        _, report = execute(model, examples, tmp_path / "blessing", examples=2, **settings)
        return report

    return run


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        ("time.sleep(60)", r"infra\.start_timeout_seconds"),
        ('serve(state("AVAILABLE"))', r"no answer to serving_default \(UNAVAILABLE"),
        ('print("no room")\nsys.exit(1)', "no room"),
    ],
    ids=["never up", "no gRPC", "ended"],
)
def test_nothing_is_said_of_the_model_where_the_machine_is_at_fault(play, tmp_path, scene, told):
    with pytest.raises(TaggerError, match=told):
        play(scene, start_timeout_seconds=20.0 if "serve" in scene else 0.5)
    assert list((tmp_path / "blessing").iterdir()) == []


def test_a_server_that_breaks_down_over_requests_is_the_models_fault(play):
    report = play('serve(state("AVAILABLE"), then=os.abort)')
    assert "SIGABRT" in failed(report)["answers over gRPC"]


def test_without_validation_papers_there_is_nothing_to_ask(exported, tmp_path):
    model = changed_copy(exported, tmp_path / "model", lambda _: None)
    nothing = make_examples(tmp_path / "examples", "val", [])
    with pytest.raises(BadInputError, match=r"data\.validation_share"):
        execute(model, nothing, tmp_path / "blessing")


def test_the_component_hands_everything_to_our_executor():
    component = InfraValidator(
        model=types.Channel(type=standard_artifacts.Model),
        examples=types.Channel(type=standard_artifacts.Examples),
        settings='{"examples": 3}',
        source_digest="abc",
    )
    assert component.id == "InfraValidator"
    assert component.executor_spec.executor_class is Executor
    assert component.exec_properties == {"settings": '{"examples": 3}', "source_digest": "abc"}
    assert component.outputs["blessing"].type is standard_artifacts.InfraBlessing
