"""The wheel holds the source tree, and no other package owns its top-level names.

These names, `schema`, `serving`, `components` and `pipeline`, are common words.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.support.lock_file import locked

ROOT = Path(__file__).parents[3]
ROOMS = ("schema", "serving", "components", "pipeline")
OURS = "arxiv-tagger"


def canonical(name: str) -> str:
    """A package's name as the registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The wheel's files by their path."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_no_other_package_owns_our_names() -> None:
    owners = {}
    for distribution in distributions():
        # An installed package lists its files in RECORD, an egg in SOURCES or installed-files.
        tops = {file.parts[0] for file in distribution.files or ()}
        tops |= set((distribution.read_text("top_level.txt") or "").split())
        owners[canonical(distribution.name)] = {top.partition(".")[0] for top in tops}
    clashes = {name: tops & set(ROOMS) for name, tops in owners.items() if tops & set(ROOMS)}
    clashes.pop(OURS, None)
    assert clashes == {}

    # The claim is about every package of the lock, so each must have been seen, with its files.
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    ours = {canonical(name) for name, _ in locked("requirements.lock", python)}
    assert len(ours) > 200
    assert ours <= set(owners)
    assert not [name for name in ours if not owners[name]]


def test_the_wheel_is_the_source_tree(wheel: dict[str, bytes]) -> None:
    source = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"schema/schema.pbtxt", "serving/server/page/index.html"} <= set(source)
    packed = {name: content for name, content in wheel.items() if ".dist-info/" not in name}
    assert sorted(packed) == sorted(source)
    assert packed == source


def test_the_wheel_has_the_command_and_the_licence(wheel: dict[str, bytes]) -> None:
    (entry_points,) = [name for name in wheel if name.endswith(".dist-info/entry_points.txt")]
    assert b"arxiv-tagger = pipeline.cli.main:main" in wheel[entry_points]
    assert [name for name in wheel if ".dist-info/" in name and Path(name).name == "LICENSE"]
