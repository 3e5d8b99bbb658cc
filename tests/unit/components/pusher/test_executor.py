"""The Pusher component's executor on real artifacts."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tfx import types
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.metrics.names import METRIC_NAMES
from components.pusher import component
from components.pusher.atomic_push import digest_model
from components.pusher.component import Executor
from components.pusher.model_version import PushResult
from components.pusher.settings import EndpointTarget
from schema.words import PAPERS, Words
from serving.model_metadata import ModelMetadata
from tests.support.artifacts import make_artifact


def make_model(uri: Path, content: bytes = b"graph") -> types.Artifact:
    model = make_artifact(standard_artifacts.Model, uri)
    folder = uri / "Format-Serving"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(content)
    (folder / "variables" / "variables.index").write_bytes(b"index")
    return model


class Push:
    """One execution after the other on the same serving directory."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.base = tmp_path / "serving" / "arxiv_tagger"
        self.runs = 0

    def __call__(
        self,
        model: types.Artifact,
        blessed: int = 1,
        infra_blessed: int | None = None,
        destination: str | None = None,
        evaluation: types.Artifact | None = None,
        endpoint: str | None = None,
        words: str | None = None,
    ) -> types.Artifact:
        self.runs += 1
        here = self.tmp_path / f"run{self.runs}"
        blessing = make_artifact(
            standard_artifacts.ModelBlessing, here / "blessing", blessed=blessed
        )
        inputs = {"model": [model], "model_blessing": [blessing]}
        if infra_blessed is not None:
            infra = make_artifact(
                standard_artifacts.InfraBlessing, here / "infra", blessed=infra_blessed
            )
            inputs["infra_blessing"] = [infra]
        if evaluation is not None:
            inputs["evaluation"] = [evaluation]
        pushed = make_artifact(standard_artifacts.PushedModel, here / "pushed")
        properties = {"push_destination": destination_json(destination or str(self.base))}
        if endpoint is not None:
            properties["endpoint"] = endpoint
        if words is not None:
            properties["words"] = words
        Executor().Do(inputs, {"pushed_model": [pushed]}, properties)
        return pushed


def destination_json(base: str) -> str:
    folder = pusher_pb2.PushDestination.Filesystem(base_directory=base)
    return str(proto_utils.proto_to_json(pusher_pb2.PushDestination(filesystem=folder)))


@pytest.fixture
def push(tmp_path: Path) -> Push:
    return Push(tmp_path)


def test_blessed_model_is_pushed_and_marked_as_tfx_does(push: Push, tmp_path: Path) -> None:
    pushed = push(make_model(tmp_path / "model"), infra_blessed=1)
    (version,) = push.base.iterdir()
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_int_custom_property("is_new") == 1
    assert pushed.get_string_custom_property("pushed_version") == version.name
    assert pushed.get_string_custom_property("pushed_destination") == str(version)
    for copy in (version, Path(pushed.uri)):
        assert (copy / "saved_model.pb").read_bytes() == b"graph"
        assert (copy / "variables" / "variables.index").read_bytes() == b"index"


def test_the_words_of_a_profile_are_pushed_with_the_model(push: Push, tmp_path: Path) -> None:
    words = Words("ticket", "tickets", None, "body")
    told = {**asdict(words), "label_names": {"a": "Apples"}}
    pushed = push(make_model(tmp_path / "model"), words=json.dumps(told))
    assert ModelMetadata(pushed.uri).words == words
    assert ModelMetadata(pushed.uri).label_names == {"a": "Apples"}
    assert ModelMetadata(push(make_model(tmp_path / "other", b"other")).uri).words == PAPERS


@pytest.mark.parametrize("endpoint", [None, "{}"])
@pytest.mark.parametrize(("blessed", "infra_blessed"), [(0, None), (0, 1), (1, 0)])
def test_model_that_is_not_blessed_is_not_pushed(
    push: Push, tmp_path: Path, blessed: int, infra_blessed: int | None, endpoint: str | None
) -> None:
    evaluation = make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "unread")
    model = make_model(tmp_path / "model")
    pushed = push(model, blessed, infra_blessed, evaluation=evaluation, endpoint=endpoint)
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.get_string_custom_property("pushed_destination") == ""
    assert not push.base.exists()
    assert list(Path(pushed.uri).iterdir()) == []


FIGURES = {name: number / 7 for number, name in enumerate(METRIC_NAMES)}


@pytest.fixture
def evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.Artifact:
    """An evaluation; what reading one takes is the Evaluator's tests' affair."""
    made = make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")

    def read_figures(uri: str) -> dict[str, float]:
        assert uri == made.uri
        return {**FIGURES, "examples": 1833.0}

    monkeypatch.setattr(component, "read_figures", read_figures)
    return made


def test_a_pushed_version_says_what_it_scored(
    push: Push, tmp_path: Path, evaluation: types.Artifact
) -> None:
    model = make_model(tmp_path / "model")
    pushed = push(model, evaluation=evaluation)
    (version,) = push.base.iterdir()
    for copy in (version, Path(pushed.uri)):
        text = (copy / "assets.extra" / "evaluation.json").read_text()
        assert json.loads(text) == {**FIGURES, "examples": 1833}
        assert '"examples": 1833\n' in text
    # Trainer's artifact stays as it is, and the version is found again.
    assert not (Path(model.uri) / "Format-Serving" / "assets.extra").exists()
    again = push(model)
    assert again.get_int_custom_property("pushed") == 1
    assert again.get_int_custom_property("is_new") == 0
    assert again.get_string_custom_property("pushed_version") == version.name
    assert again.get_string_custom_property("pushed_destination") == str(version)
    assert len(list(push.base.iterdir())) == 1


def test_missing_blessing_is_an_error(tmp_path: Path) -> None:
    pushed = make_artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
    inputs: dict[str, Any] = {"model": [make_model(tmp_path / "model")], "model_blessing": []}
    with pytest.raises(ValueError, match="blessing"):
        Executor().Do(inputs, {"pushed_model": [pushed]}, {"push_destination": "{}"})


def test_model_goes_to_a_folder_in_a_bucket(
    push: Push, tmp_path: Path, evaluation: types.Artifact
) -> None:
    base = f"ram://pushed-by-{tmp_path.name}/serving"
    model = make_model(tmp_path / "model")
    first = push(model, destination=base, evaluation=evaluation)
    version = first.get_string_custom_property("pushed_version")
    assert first.get_string_custom_property("pushed_destination") == f"{base}/{version}"
    assert first.get_int_custom_property("is_new") == 1
    with fileio.open(f"{base}/{version}/assets.extra/evaluation.json", "r") as file:
        assert json.loads(file.read()) == {**FIGURES, "examples": 1833}
    again = push(model, destination=base, endpoint="")
    assert again.get_string_custom_property("pushed_version") == version
    assert again.get_int_custom_property("is_new") == 0


def test_model_goes_to_an_endpoint_where_one_is_given(
    push: Push, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluation: types.Artifact
) -> None:
    target = EndpointTarget(project="p", region="r", container="c")
    asked = []

    def deploy_model(*arguments: Any) -> PushResult:
        asked.append(arguments)
        return PushResult("77", "models/5@1", is_new=len(asked) == 1)

    monkeypatch.setattr(component, "deploy_model", deploy_model)
    model = make_model(tmp_path / "model")
    runs = [push(model, endpoint=target.model_dump_json(), evaluation=evaluation) for _ in "ab"]
    # The copy that knows its figures is deployed; they don't make it another model.
    digest = digest_model(tmp_path / "model" / "Format-Serving")
    assert asked == [(run.uri, digest, target) for run in runs]
    for run, is_new in zip(runs, (1, 0), strict=True):
        assert run.get_int_custom_property("pushed") == 1
        assert run.get_int_custom_property("is_new") == is_new
        assert run.get_string_custom_property("pushed_destination") == "models/5@1"
        assert run.get_string_custom_property("pushed_version") == "77"
        assert (Path(run.uri) / "saved_model.pb").read_bytes() == b"graph"
    assert not push.base.exists()
