"""The image's installation: the Dockerfile's own steps in a clean environment, then used."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from schema import names
from tests.support.image_build import LEFT_OUT, ImageBuild
from tests.support.image_recipe import ROOT, read_recipe

ROOMS = ("schema", "serving", "components", "pipeline")
TARGETS = ("vertex", "kubeflow")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageBuild]:
    """The target `beam`, which is `cpu` and a little more."""
    build = ImageBuild(tmp_path_factory.mktemp("image"))
    build.build(read_recipe(), "beam")
    yield build
    # pytest keeps the folders of three runs, and this one holds some gigabytes.
    shutil.rmtree(build.root)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the checkout."""
    return tmp_path_factory.mktemp("elsewhere")


def run(image: ImageBuild, folder: Path, *command: str) -> str:
    """What a command of the image prints, which sees nothing of this environment."""
    found = [str(image.root / "opt/venv/bin" / command[0]), *command[1:]]
    done = subprocess.run(
        found, cwd=folder, env=image.environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packages(image: ImageBuild) -> dict[str, Path]:
    """The environment's packages: `name==version`, and where their metadata lies."""
    found = {}
    for folder in image.root.glob("opt/venv/lib/python3.10/site-packages/*.dist-info"):
        metadata = (folder / "METADATA").read_text(errors="replace")
        name = re.search(r"^Name: (.*)$", metadata, re.MULTILINE)[1].strip()
        version = re.search(r"^Version: (.*)$", metadata, re.MULTILINE)[1].strip()
        found[f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"] = folder
    return found


def test_every_step_that_installs_was_run(image: ImageBuild) -> None:
    tools = [command.split()[:3] for command in image.done]
    assert ["uv", "venv", "--python"] in tools
    assert ["uv", "pip", "sync"] in tools
    assert ["uv", "build", "--wheel"] in tools
    assert ["uv", "pip", "install"] in tools
    assert ["uv", "pip", "check"] in tools
    assert {command.split()[0] for command in image.left_out} == set(LEFT_OUT)


def test_it_holds_the_lock_and_the_wheel_alone(image: ImageBuild) -> None:
    lock = (ROOT / "requirements-image.lock").read_text()
    locked = {
        f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"
        for name, version in re.findall(r"^([\w.-]+)(?:\[.*?\])?==([^ \\]+)", lock, re.MULTILINE)
    }
    project = (ROOT / "pyproject.toml").read_text()
    ours = f"arxiv-tagger=={re.search(r'^version = .(.*).$', project, re.MULTILINE)[1]}"
    added = set(packages(image)) - locked
    assert locked <= set(packages(image))
    # pip is of `beam`.
    assert {name for name in added if not name.startswith("pip==")} == {ours}


def test_no_other_package_owns_our_names(image: ImageBuild) -> None:
    owners = {
        name.partition("==")[0]
        for name, folder in packages(image).items()
        for line in (folder / "RECORD").read_text().splitlines()
        if re.split(r"[/.]", line, maxsplit=1)[0] in ROOMS
    }
    assert owners == {"arxiv-tagger"}


def test_the_schema_of_the_image_is_the_curated_one(image: ImageBuild) -> None:
    copy = Path(image.inside(names.SCHEMA_IN_IMAGE))
    assert copy.read_bytes() == (ROOT / "schema" / "schema.pbtxt").read_bytes()


def test_the_command_says_its_version(image: ImageBuild, elsewhere: Path) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"$', project, re.MULTILINE)[1]
    assert version in run(image, elsewhere, "arxiv-tagger", "--version")


def test_the_code_comes_from_the_wheel(image: ImageBuild, elsewhere: Path) -> None:
    code = (
        "import schema, serving, components, pipeline, pipeline.cloud.container_main; "
        + "; ".join(f"print({room}.__file__)" for room in ROOMS)
    )
    files = run(image, elsewhere, "python", "-c", code).split()
    assert len(files) == len(ROOMS)
    assert all(Path(file).is_relative_to(image.root / "opt/venv/lib") for file in files)


def test_pip_finds_beam(image: ImageBuild, elsewhere: Path) -> None:
    assert "Name: apache-beam" in run(
        image, elsewhere, "python", "-m", "pip", "show", "apache-beam"
    )


@pytest.mark.parametrize("target", TARGETS)
def test_it_compiles_from_outside_the_checkout(
    image: ImageBuild, elsewhere: Path, target: str
) -> None:
    output = elsewhere / f"{target}.json"
    run(image, elsewhere, "arxiv-tagger", "compile", "--target", target, "--output", str(output))
    text = output.read_text()
    compiled = json.loads(text)
    spec = compiled.get("pipelineSpec", compiled)
    assert "Trainer" in spec["root"]["dag"]["tasks"]
    assert names.SCHEMA_IN_IMAGE.rpartition("/")[0] in text
    assert str(image.root) not in text
    assert str(ROOT) not in text
