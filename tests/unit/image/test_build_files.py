"""The files for Cloud Build and GitHub Actions: against their schemas, and what they ask for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.image_recipe import ROOT, read_recipe

CLOUD_BUILD = ROOT / "cloudbuild.yaml"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
CHECK = Path(sys.executable).parent / "check-jsonschema"


@pytest.fixture(scope="module")
def cloud_build() -> dict[str, Any]:
    return yaml.safe_load(CLOUD_BUILD.read_text())


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    return yaml.safe_load(WORKFLOW.read_text().replace("\non:", '\n"on":'))


@pytest.mark.parametrize(
    ("schema", "path", "right", "wrong"),
    [
        ("vendor.cloudbuild", CLOUD_BUILD, "machineType:", "machine_type:"),
        ("vendor.github-workflows", WORKFLOW, "runs-on:", "runs_on:"),
        ("custom.github-workflows-require-timeout", WORKFLOW, "timeout-minutes: 60", "name: x"),
    ],
)
def test_the_schema_holds_and_refuses_an_error(
    schema: str, path: Path, right: str, wrong: str, tmp_path: Path
) -> None:
    text = path.read_text()
    assert right in text
    planted = tmp_path / path.name
    planted.write_text(text.replace(right, wrong))
    command = [CHECK, "--output-format", "json", "--builtin-schema", schema, path, planted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert {error["filename"] for error in found["errors"]} == {str(planted)}
    assert not found["parse_errors"]


def test_cloud_build_makes_and_pushes_every_target(cloud_build: dict[str, Any]) -> None:
    pushed = []
    for step in cloud_build["steps"]:
        assert step["entrypoint"] == "docker"
        assert step["env"] == ["DOCKER_BUILDKIT=1"]
        assert step["args"][0] == "build"
        assert step["args"][-1] == "."
        options = dict(arg.removeprefix("--").split("=", 1) for arg in step["args"][1:-1])
        assert options["target"] in read_recipe().stages
        assert options["build-arg"].split("=")[0] == "REVISION"
        assert options["tag"] == f"${{_IMAGE}}:${{_TAG}}-{options['target']}"
        pushed.append(options["tag"])
    assert {tag.rpartition("-")[2] for tag in pushed} == {"cpu", "beam", "cuda"}
    assert cloud_build["images"] == pushed


def test_cloud_build_knows_every_substitution(cloud_build: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{?(\w+)", CLOUD_BUILD.read_text()))
    # https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values
    of_cloud_build = {"BUILD_ID", "COMMIT_SHA"}
    # No default: a build that does not say where the images go must not start.
    of_the_caller = {"_IMAGE"}
    assert used == of_cloud_build | of_the_caller | set(cloud_build["substitutions"])
    # Else `_TAG` would be the text of its default.
    assert cloud_build["options"]["dynamicSubstitutions"] is True


def test_the_workflow_may_only_read(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "secrets." not in WORKFLOW.read_text()
    assert "pull_request_target" not in workflow["on"]
    assert workflow["concurrency"]["group"]


def test_the_workflow_pins_its_actions_and_images(workflow: dict[str, Any]) -> None:
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))
        assert not job["runs-on"].endswith("latest")
    python = (ROOT / ".python-version").read_text().strip()
    assert workflow["jobs"]["test"]["container"] == f"python:{python}-bookworm"


def test_the_workflow_tests_compiles_and_builds(workflow: dict[str, Any]) -> None:
    test, image = workflow["jobs"]["test"], workflow["jobs"]["image"]
    runs = [step["run"].strip() for step in test["steps"] if "run" in step]
    assert runs[1:3] == ["make lint", ".ci/run"]
    for target in ("vertex", "kubeflow"):
        assert f"arxiv-tagger compile --target {target} --output out/{target}.json" in runs[3]
    (cache,) = [step for step in test["steps"] if "cache@" in step.get("uses", "")]
    assert cache["with"]["path"] == test["env"]["UV_CACHE_DIR"]

    (build,) = [step for step in image["steps"] if "build-push" in step.get("uses", "")]
    assert build["with"]["push"] is False
    recipe = read_recipe()
    built = {
        stage.name for name in image["strategy"]["matrix"]["target"] for stage in recipe.needs(name)
    }
    assert {"cpu", "cuda", "beam"} <= built
