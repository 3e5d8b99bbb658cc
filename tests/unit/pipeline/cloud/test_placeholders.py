"""Which settings count as not filled in."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
import yaml

from pipeline.cloud.placeholders import placeholders
from pipeline.deploy_settings import DeploySettings, Target
from tests.support.compiled_spec import deploy_settings

ENDPOINT = {"push_to": "endpoint", "endpoint": {"container": "tf:1"}}


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_settings_of_ones_own_are_none(target: Target) -> None:
    assert placeholders(deploy_settings(), target) == []
    assert placeholders(deploy_settings(**ENDPOINT), target) == []
    # The word alone is anybody's.
    own = deploy_settings(project="my-example-project", bucket="gs://an-example-bucket/exampled")
    assert placeholders(own, target) == []


def test_nothing_filled_in() -> None:
    names = ["project", "region", "bucket", "data", "image"]
    assert placeholders(DeploySettings(), "vertex") == [f"deploy.{name}" for name in names]
    names = ["host", "bucket", "data", "image"]
    assert placeholders(DeploySettings(), "kubeflow") == [f"deploy.{name}" for name in names]
    both = placeholders(DeploySettings(push_to="endpoint"), "kubeflow")
    assert both[4:] == ["deploy.project", "deploy.region", "deploy.endpoint.container"]


@pytest.mark.parametrize(
    ("changes", "target", "expected"),
    [
        ({"project": "example-project"}, "vertex", ["deploy.project"]),
        ({"project": "example-project"}, "kubeflow", []),
        ({"project": "example-project", **ENDPOINT}, "kubeflow", ["deploy.project"]),
        ({"bucket": "gs://example-bucket/tagger"}, "kubeflow", ["deploy.bucket"]),
        ({"image": "registry/example-project/a/b:1"}, "vertex", ["deploy.image"]),
        ({"host": "https://example-host/pipeline"}, "kubeflow", ["deploy.host"]),
        ({"host": "https://example-host/pipeline"}, "vertex", []),
        ({"service_account": "me@example-project.iam"}, "vertex", ["deploy.service_account"]),
        ({"service_account": ""}, "vertex", []),
        ({"endpoint": {"container": "example-image"}}, "vertex", []),
        (
            {"push_to": "endpoint", "endpoint": {"container": "example-image"}},
            "vertex",
            ["deploy.endpoint.container"],
        ),
    ],
)
def test_example_counts_where_the_target_needs_it(
    changes: dict[str, Any], target: Target, expected: list[str]
) -> None:
    assert placeholders(deploy_settings(**changes), target) == expected


def test_shipped_example_is_full_of_them() -> None:
    text = (resources.files("pipeline") / "profiles" / "cloud_example.yaml").read_text("utf-8")
    deploy = DeploySettings.model_validate(yaml.safe_load(text)["deploy"])
    found = {name.removeprefix("deploy.") for name in placeholders(deploy, "vertex")}
    assert found == {"project", "bucket", "data", "image", "service_account"}
    assert "deploy.host" in placeholders(deploy, "kubeflow")
