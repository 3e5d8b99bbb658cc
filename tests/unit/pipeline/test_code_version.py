"""The version of the code, by real checkouts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline import code_version as module
from pipeline.code_version import UNKNOWN, CodeVersion, code_version

AUTHOR = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *AUTHOR, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def make_package(folder: Path) -> Path:
    (folder / "pipeline").mkdir(parents=True)
    (folder / "pipeline" / "__init__.py").write_text("one\n")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_one.py").write_text("one\n")
    return folder


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one commit; a hook of git's would name its own in the environment."""
    monkeypatch.delenv("GIT_DIR", raising=False)
    root = make_package(tmp_path / "checkout")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "one")
    return root


def test_it_is_the_commit(checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert len(commit) == 40
    assert code_version(checkout) == CodeVersion(commit, changed=False)


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("pipeline/__init__.py", True),
        ("pipeline/new.py", True),
        ("tests/test_one.py", False),
        ("out", False),
    ],
)
def test_changed_and_new_code_is_another_version(checkout, path, changed):
    (checkout / path).write_text("two\n")
    assert code_version(checkout).changed is changed


def test_a_package_inside_somebody_elses_repository_is_not_theirs(checkout):
    (checkout / ".gitignore").write_text("venv\n")
    installed = make_package(checkout / "venv" / "site-packages")
    assert code_version(installed) == UNKNOWN


def test_without_a_commit_it_is_unknown(tmp_path):
    root = make_package(tmp_path / "new")
    assert code_version(root) == UNKNOWN
    git(root, "init", "--quiet")
    git(root, "add", ".")
    assert code_version(root) == UNKNOWN


def test_without_git_it_is_unknown(checkout, monkeypatch):
    monkeypatch.setenv("PATH", str(checkout))
    assert code_version(checkout) == UNKNOWN


def test_by_default_it_is_the_version_of_this_code(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "_git", lambda root, *_: asked.append(root))
    assert code_version() == UNKNOWN
    assert {(root / "pipeline" / "code_version.py").is_file() for root in asked} == {True}
