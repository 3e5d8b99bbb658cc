"""Our Evaluator: TFX's own, and a refusal if a model can't be served."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tfx import types
from tfx.components.evaluator import executor as stock
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.evaluator import extractors
from components.evaluator.component import Evaluator, Executor
from components.evaluator.eval_config import make_eval_config
from components.evaluator.settings import GateSettings
from tests.support.artifacts import make_artifact
from tests.support.evaluations import Answers, Evaluation

SCORES = np.array([[0.9, 0.2], [0.1, 0.8]], np.float32)
ANSWERS = Answers("new", ["a", "b"], SCORES, 0.5, abstract_only=SCORES)
TERMS = [["a"], ["b"]]


def missed(tmp_path: Path) -> Evaluation:
    """What TFX itself writes for a model that misses its bounds, compared with another one."""
    gate = GateSettings(floors={"labels_found": 3.0})
    return Evaluation(tmp_path / "missed", TERMS, gate, ANSWERS, ANSWERS)


def test_a_model_that_cannot_be_served_is_refused_as_tfx_refuses(tmp_path, monkeypatch):
    theirs = missed(tmp_path)
    assert not theirs.blessed

    def never(*_: object) -> None:
        raise AssertionError("it was evaluated")

    monkeypatch.setattr(stock.Executor, "Do", never)
    model = make_artifact(standard_artifacts.Model, Path(theirs.model.uri))
    model.id = theirs.model.id
    evaluation = make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    blessing = make_artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
    infra = make_artifact(standard_artifacts.InfraBlessing, tmp_path / "infra", blessed=0)
    Executor().Do(
        {
            "model": [model],
            "baseline_model": [theirs.baseline],
            "infra_blessing": [infra],
            "examples": [],
        },
        {"evaluation": [evaluation], "blessing": [blessing]},
        {"current_component_id": "Evaluator"},
    )
    ours = blessing.mlmd_artifact.custom_properties
    expected = theirs.blessing.mlmd_artifact.custom_properties
    assert dict(ours) == dict(expected)
    assert ours["blessed"].int_value == 0
    assert {path.name for path in Path(blessing.uri).iterdir()} == {
        path.name for path in Path(theirs.blessing.uri).iterdir()
    }
    (file,) = Path(evaluation.uri).iterdir()
    assert file.name == "not_evaluated.json"
    assert f"{infra.uri}/infra_validation.json" in json.loads(file.read_text())["reason"]


def write_model(folder: Path, info: dict[str, object], labels: bytes) -> types.Artifact:
    """A model with only its vocabulary and `model_info.json`."""
    for name, file, content in (
        ("assets", "labels", labels),
        ("assets.extra", "model_info.json", json.dumps(info).encode()),
    ):
        (folder / "Format-Serving" / name).mkdir(parents=True)
        (folder / "Format-Serving" / name / file).write_bytes(content)
    return make_artifact(standard_artifacts.Model, folder)


@pytest.mark.parametrize("blessed", [1, None])
def test_every_other_model_is_measured(tmp_path, monkeypatch, blessed):
    seen = []
    monkeypatch.setattr(stock.Executor, "Do", lambda self, *given: seen.append(given))
    evaluation = make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    labels = "größe\n".encode() + b"\xff\n"
    inputs = {"model": [write_model(tmp_path / "model", {"threshold": 0.25}, labels)]}
    outputs = {"evaluation": [evaluation]}
    if blessed is not None:
        infra = make_artifact(standard_artifacts.InfraBlessing, tmp_path / "infra", blessed=blessed)
        inputs["infra_blessing"] = [infra]
    properties = {"eval_config": proto_utils.proto_to_json(make_eval_config(GateSettings()))}
    Executor().Do(inputs, outputs, properties)
    assert seen == [(inputs, outputs, properties)]
    written = json.loads((tmp_path / "evaluation" / "evaluated_labels.json").read_text())
    assert written == {"labels": ["größe", "\\xff"], "threshold": 0.25}


@pytest.mark.parametrize("checked", [True, False])
def test_the_component_takes_the_verdict_where_there_is_one(checked):
    channels = {
        "examples": standard_artifacts.Examples,
        "model": standard_artifacts.Model,
        "baseline_model": standard_artifacts.Model,
        "schema": standard_artifacts.Schema,
    }
    infra = types.Channel(type=standard_artifacts.InfraBlessing)
    component = Evaluator(
        **{name: types.Channel(type=kind) for name, kind in channels.items()},
        eval_config=make_eval_config(GateSettings()),
        source_digest="abc",
        infra_blessing=infra if checked else None,
    )
    assert component.id == "Evaluator"
    assert component.executor_spec.executor_class is Executor
    # TFX finds the function by its name in the module.
    assert component.exec_properties["module_path"] == extractors.__name__
    assert callable(extractors.custom_extractors)
    assert set(component.inputs) == {*channels, *(["infra_blessing"] if checked else [])}
