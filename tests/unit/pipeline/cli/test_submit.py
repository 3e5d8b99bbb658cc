"""`arxiv-tagger submit`: what travels with a run, and what a person sees."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
import yaml
from click.testing import Result
from tensorflow_model_analysis.proto import config_pb2
from tfx.utils import proto_utils

from components.trainer.settings import TrainerSettings
from pipeline.cloud import submit_kubeflow, submit_vertex
from pipeline.cloud.required_settings import missing_settings
from pipeline.config import load_config
from tests.support.cloud_steps import given_parameters
from tests.support.command_line import flat, invoke

DEPLOY = {
    "project": "my-project",
    "region": "europe-west4",
    "bucket": "gs://my-bucket/tagger",
    "data": "gs://my-bucket/papers",
    "image": "my-registry/tagger:7",
    "host": "https://kubeflow.my-company.com/pipeline",
}


@pytest.fixture
def profile(tmp_path) -> str:
    path = tmp_path / "cloud.yaml"
    path.write_text(yaml.safe_dump({"extends": None, "deploy": DEPLOY, "trainer": {"epochs": 3}}))
    return str(path)


class Sent:
    """Takes the place of what sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[dict[str, Any]] = []
        for module, name in (
            (submit_vertex, "submit_to_vertex"),
            (submit_kubeflow, "submit_to_kubeflow"),
        ):
            monkeypatch.setattr(module, name, partial(self.send, getattr(module, name)))

    def send(self, real, spec, deploy, **options):
        self.requests.append(
            {
                "spec": spec,
                "deploy": deploy,
                "target": real.__name__.removeprefix("submit_to_"),
                **options,
            }
        )
        # It makes the request, and sends none.
        return real(spec, deploy, **{**options, "dry_run": True})

    @property
    def last(self) -> dict[str, Any]:
        return self.requests[-1]


@pytest.fixture
def sent(monkeypatch) -> Sent:
    return Sent(monkeypatch)


def submit(profile: str, *settings: str, options: tuple[object, ...] = ()) -> Result:
    changed = [part for setting in settings for part in ("--set", setting)]
    target = () if "--target" in options else ("--target", "vertex")
    return invoke("submit", "--profile", profile, *target, *changed, *options)


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_what_changes_goes_along_and_the_compiled_pipeline_stays(profile, sent, target):
    done = submit(profile, options=("--target", target))
    assert done.exit_code == 0, done.output
    as_it_is = sent.last
    assert as_it_is["parameters"] == {}
    assert as_it_is["caching"] is True
    assert as_it_is["target"] == target
    changes = ("--data", "gs://other/folder/", "--epochs", 9, "--floor", "lrap=0.7", "--no-cache")
    options = ("--target", target, *changes)
    submit(profile, "trainer.seed=4", "serving.top_k=3", options=options)
    changed = sent.last
    assert changed["spec"] == as_it_is["spec"]
    assert changed["caching"] is False
    parameters = changed["parameters"]
    assert parameters["input_base"] == "gs://other/folder"
    custom = json.loads(parameters["custom_config"])
    expected = TrainerSettings(epochs=9, seed=4)
    assert TrainerSettings.model_validate_json(custom["settings"]) == expected
    assert custom["top_k"] == 3
    defaults = given_parameters(changed["spec"], "Trainer")
    assert custom["source_digest"] == json.loads(defaults["custom_config"])["source_digest"]
    measured = config_pb2.EvalConfig()
    proto_utils.json_to_proto(parameters["eval_config"], measured)
    thresholds = measured.metrics_specs[0].per_slice_thresholds["lrap"].thresholds
    assert [each.threshold.value_threshold.lower_bound.value for each in thresholds] == [0.7]
    # The report tells of the run's settings, not of the compiled ones.
    told = json.loads(parameters["provenance"])
    assert told["data"] == "gs://other/folder/*.csv*"
    assert told["settings"]["trainer"]["epochs"] == 9
    assert told["settings"]["gate"]["floors"] == {"lrap": 0.7}
    assert set(parameters) == {"input_base", "custom_config", "eval_config", "provenance"}


def test_other_settings_are_compiled_in(profile, sent):
    submit(profile, "features.max_tokens=77", "trainer.epochs=9")
    assert set(sent.last["parameters"]) == {"custom_config", "provenance"}
    transform = json.loads(given_parameters(sent.last["spec"], "Transform")["custom_config"])
    assert json.loads(transform["settings"])["max_tokens"] == 77
    told = json.loads(sent.last["parameters"]["provenance"])["settings"]
    assert (told["features"]["max_tokens"], told["trainer"]["epochs"]) == (77, 9)
    compiled_in = json.loads(given_parameters(sent.last["spec"], "Report")["provenance"])
    assert compiled_in["settings"]["features"]["max_tokens"] == 77
    assert compiled_in["settings"]["trainer"]["epochs"] == 3


def test_data_may_be_named_with_the_run_alone(tmp_path, sent):
    path = tmp_path / "no_data.yaml"
    deploy = {key: value for key, value in DEPLOY.items() if key != "data"}
    path.write_text(yaml.safe_dump({"deploy": deploy}))
    submit(str(path), options=("--data", "gs://b/f"))
    assert given_parameters(sent.last["spec"], "CsvExampleGen")["input_base"] == "gs://b/f"
    assert sent.last["parameters"] == {}


def test_a_file_is_its_folder_and_its_name(profile, sent):
    assert submit(profile, options=("--data", "gs://b/f/papers [new].csv.gz")).exit_code == 0
    deploy = sent.last["deploy"]
    assert (deploy.data, deploy.pattern) == ("gs://b/f", "papers [[]new].csv.gz")


@pytest.mark.parametrize("floor", ["lrap", "=0.5"])
def test_a_floor_is_a_pair(profile, sent, floor):
    done = submit(profile, options=("--floor", floor))
    assert (done.exit_code, sent.requests) == (2, [])
    assert "must read METRIC=VALUE" in done.output


def test_a_wrong_setting_is_reported_before_anything_is_sent(profile, sent):
    done = submit(profile, "trainer.epoch=5")
    assert (done.exit_code, sent.requests) == (2, [])
    assert "trainer.epoch: there is no such setting" in done.output


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_placeholders_are_refused_by_name(sent, target):
    done = submit("cloud_example", options=("--target", target))
    assert (done.exit_code, sent.requests) == (2, [])
    names = missing_settings(load_config("cloud_example"), target)
    assert "deploy.image" in names
    assert f"placeholders or empty: {', '.join(names)}." in flat(done.output)


def test_a_dry_run_shows_what_would_be_sent(profile, sent):
    done = submit(profile, "trainer.epochs=5", options=("--dry-run",))
    assert sent.last["dry_run"] is True
    assert "Would send" in done.output
    assert DEPLOY["image"] in done.output
    assert "trainer.epochs: 5 (compiled: 3)" in done.output
