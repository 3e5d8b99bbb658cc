"""`compile` and `submit`: what a person sees, and what goes along with a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow_model_analysis as tfma
import yaml
from click.testing import CliRunner
from tfx.utils import proto_utils

from components.trainer.settings import TrainerSettings
from pipeline.cli import deploy_commands
from pipeline.cli.main import main
from pipeline.cloud import submit as cloud_submit
from pipeline.cloud.parameters import make_cloud
from pipeline.cloud.placeholders import placeholders
from pipeline.config import load_config
from schema.errors import UsageError
from tests.support.cloud_steps import given_parameters

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
    path.write_text(yaml.safe_dump({"deploy": DEPLOY, "trainer": {"epochs": 3}}))
    return str(path)


class Sent:
    """Takes the place of what sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[dict[str, Any]] = []
        self.real = cloud_submit.submit
        monkeypatch.setattr(cloud_submit, "submit", self)

    def __call__(self, spec, deploy, target, **options):
        self.requests.append({"spec": spec, "deploy": deploy, "target": target, **options})
        # It makes the request, and sends none.
        return self.real(spec, deploy, target, **{**options, "dry_run": True})

    @property
    def last(self) -> dict[str, Any]:
        return self.requests[-1]


@pytest.fixture
def sent(monkeypatch) -> Sent:
    return Sent(monkeypatch)


def submit(profile: str, *overrides: str, target="vertex", caching=True, dry_run=False) -> None:
    deploy_commands.submit_command(target, profile, overrides, caching=caching, dry_run=dry_run)


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_what_changes_goes_along_and_the_compiled_pipeline_stays(profile, sent, target):
    submit(profile, target=target)
    as_it_is = sent.last
    assert as_it_is["parameters"] == {}
    assert as_it_is["caching"] is True
    assert as_it_is["target"] == target
    changes = deploy_commands.run_overrides("gs://other/folder/", 9, ["lrap=0.7"])
    submit(profile, "trainer.seed=4", "serving.top_k=3", *changes, target=target, caching=False)
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
    measured = tfma.EvalConfig()
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
    submit(str(path), *deploy_commands.run_overrides("gs://b/f", None, []))
    assert given_parameters(sent.last["spec"], "CsvExampleGen")["input_base"] == "gs://b/f"
    assert sent.last["parameters"] == {}


def test_a_file_is_its_folder_and_its_name():
    overrides = deploy_commands.run_overrides("gs://b/f/papers [new].csv.gz", None, [])
    deploy = load_config("cloud_example", overrides).deploy
    assert (deploy.data, deploy.pattern) == ("gs://b/f", "papers [[]new].csv.gz")
    assert deploy_commands.run_overrides(None, None, []) == []


@pytest.mark.parametrize("floor", ["lrap", "=0.5"])
def test_a_floor_is_a_pair(floor):
    with pytest.raises(UsageError, match="METRIC=VALUE"):
        deploy_commands.run_overrides(None, None, [floor])


def test_a_wrong_setting_is_told_before_anything_is_sent(profile, sent):
    with pytest.raises(UsageError, match=r"trainer\.epoch: there is no such setting"):
        submit(profile, "trainer.epoch=5")
    assert sent.requests == []


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_placeholders_are_refused_by_name(sent, target, dry_run):
    with pytest.raises(UsageError) as error:
        submit("cloud_example", target=target, dry_run=dry_run)
    for name in placeholders(load_config("cloud_example").deploy, target):
        assert f"deploy.{name.removeprefix('deploy.')}" in str(error.value)
    assert "deploy.image" in str(error.value)
    assert sent.requests == []


def test_a_dry_run_shows_what_would_be_sent(profile, sent, capsys):
    submit(profile, "trainer.epochs=5", dry_run=True)
    assert sent.last["dry_run"] is True
    shown = capsys.readouterr().out
    assert "Would send" in shown
    assert DEPLOY["image"] in shown
    assert "trainer.epochs: 5 (compiled: 3)" in shown


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_compile_says_what_is_in_the_file_and_what_is_left_to_do(tmp_path, capsys, target):
    output = tmp_path / "new" / "pipeline.yaml"
    deploy_commands.compile_command(target, "cloud_example", [], output)
    shown = capsys.readouterr().out
    steps = len(yaml.safe_load(output.read_text()).get("pipelineSpec", {}).get("root", {}))
    assert (steps > 0) is (target == "vertex")
    assert str(output) in shown
    assert "deploy.image" in shown
    assert ("finds nothing of earlier runs" in shown) is (target == "kubeflow")


def test_a_file_that_can_be_neither_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(deploy_commands, "_quiet", lambda _: pytest.fail("TFX was loaded"))
    with pytest.raises(UsageError, match=r"\.json, \.yaml or \.yml"):
        deploy_commands.compile_command("vertex", "cloud_example", [], tmp_path / "pipeline.txt")


def test_options_reach_the_commands(monkeypatch):
    called: list[tuple[Any, ...]] = []
    for name in ("compile_command", "submit_command"):
        monkeypatch.setattr(
            deploy_commands, name, lambda *given, **options: called.append((given, options))
        )
    run = CliRunner().invoke
    assert run(main, ["compile", "--target", "kubeflow", "--set", "a.b=1"]).exit_code == 0
    assert called.pop() == (
        ("kubeflow", "cloud_example", ("a.b=1",), Path("pipeline.yaml")),
        {},
    )
    assert run(main, ["compile", "--target", "vertex", "--profile", "p"]).exit_code == 0
    assert called.pop() == (("vertex", "p", (), Path("pipeline.json")), {})
    options = ["--set", "a.b=1", "--epochs", "4", "--floor", "lrap=1", "--no-cache", "--dry-run"]
    assert run(main, ["submit", "--target", "vertex", *options]).exit_code == 0
    assert called.pop() == (
        ("vertex", "cloud_example", ["a.b=1", "trainer.epochs=4", "gate.floors.lrap=1"]),
        {"caching": False, "dry_run": True},
    )
    assert run(main, ["compile", "--target", "argo"]).exit_code == 2
    assert run(main, ["submit"]).exit_code == 2


def test_the_profile_of_the_tests_is_complete(profile):
    for target in ("vertex", "kubeflow"):
        config = load_config(profile)
        assert placeholders(config.deploy, target) == []
        assert make_cloud(config, target).image == DEPLOY["image"]
