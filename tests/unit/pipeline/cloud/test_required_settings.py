"""Which settings a deployment needs, and which count as not filled in."""

from __future__ import annotations

import pytest

from pipeline.cloud.required_settings import check_required, missing_settings
from pipeline.config import Config, load_config
from schema.errors import UsageError
from tests.support.compiled_spec import deploy_settings

ENDPOINT = {"push_to": "endpoint", "endpoint": {"container": "tf:1"}}


def config(**changes: object) -> Config:
    return Config(deploy=deploy_settings(**changes))


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_settings_of_ones_own_are_complete(target):
    # The word alone is anybody's.
    own = {"project": "my-example-project", "bucket": "gs://an-example-bucket/exampled"}
    for changes in ({}, ENDPOINT, own):
        assert missing_settings(config(**changes), target) == []
        check_required(config(**changes), target)


@pytest.mark.parametrize(
    ("changes", "target", "expected"),
    [
        ({"project": "", "region": ""}, "vertex", ["project", "region"]),
        ({"project": "", "host": ""}, "kubeflow", ["host"]),
        ({"project": "example-project"}, "vertex", ["project"]),
        ({"project": "example-project"}, "kubeflow", []),
        ({"project": "example-project", **ENDPOINT}, "kubeflow", ["project"]),
        ({"bucket": "gs://example-bucket/tagger", "data": ""}, "kubeflow", ["data", "bucket"]),
        ({"image": "registry/example-project/a/b:1"}, "vertex", ["image"]),
        ({"host": "https://example-host/pipeline"}, "kubeflow", ["host"]),
        ({"host": "https://example-host/pipeline"}, "vertex", []),
        ({"service_account": "me@example-project.iam"}, "vertex", ["service_account"]),
        ({"service_account": ""}, "vertex", []),
        ({"endpoint": {"container": "example-image"}}, "vertex", []),
        (
            {"push_to": "endpoint", "endpoint": {"container": "example-image"}},
            "vertex",
            ["endpoint.container"],
        ),
    ],
)
def test_what_a_run_needs_must_be_filled_in(changes, target, expected):
    assert missing_settings(config(**changes), target) == [f"deploy.{name}" for name in expected]


def test_dataflow_needs_a_project_wherever_the_pipeline_runs():
    example = load_config("cloud_example", ["beam.runner=dataflow"])
    assert {"deploy.project", "deploy.beam_image"} <= set(missing_settings(example, "kubeflow"))


def test_the_shipped_example_is_full_of_placeholders():
    found = set(missing_settings(load_config("cloud_example"), "vertex"))
    names = ("project", "bucket", "data", "image", "service_account")
    assert found == {f"deploy.{name}" for name in names}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("deploy.image=image:1", ["bucket", "data"]),
        ("tuner.enabled=true", ["project", "region", "bucket", "data", "image"]),
        ("deploy.trainer.workers=2", ["project", "region", "bucket", "data", "image"]),
        ("beam.runner=dataflow", ["project", "region", "bucket", "data", "image", "beam_image"]),
        (
            "deploy.push_to=endpoint",
            ["project", "region", "bucket", "data", "image", "endpoint.container"],
        ),
    ],
)
def test_each_empty_setting_is_named(override, expected):
    with pytest.raises(UsageError) as error:
        check_required(load_config("default", [override]), "vertex")
    lines = [line.strip().partition(":") for line in str(error.value).splitlines()[1:]]
    assert [name for name, _, _ in lines] == [f"deploy.{name}" for name in expected]
    assert all(meaning.strip() for _, _, meaning in lines)


def test_what_no_platform_can_do_is_refused():
    with pytest.raises(UsageError, match=r"deploy\.trainer\.accelerator is empty"):
        check_required(config(trainer={"accelerators": 1}), "vertex")
    with pytest.raises(UsageError, match=r"deploy\.trainer\.workers is 2"):
        check_required(config(trainer={"workers": 2}), "kubeflow")
