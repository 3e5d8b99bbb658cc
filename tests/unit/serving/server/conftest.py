"""Folders of small SavedModels, and ways to watch them being loaded."""

from __future__ import annotations

import functools
import shutil
import threading

import pytest


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory):
    """A SavedModel by what it answers to 0, made once."""
    base = tmp_path_factory.mktemp("saved_models")

    @functools.cache
    def make(answer):
        from tests.support.saved_models import half_plus_two

        half_plus_two(base / f"answers_{answer}", add=float(answer))
        return base / f"answers_{answer}"

    return make


@pytest.fixture
def base(tmp_path):
    """A base path that is empty."""
    path = tmp_path / "models" / "m"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def put(base, saved_models):
    """Puts a version that answers its own number to 0, whole in one step."""

    def put(version, answer=None, under=base, name=None):
        under.mkdir(exist_ok=True, parents=True)
        staging = under / f"staging-{version}"
        shutil.copytree(saved_models(version if answer is None else answer), staging)
        return staging.rename(under / (name or str(version)))

    return put


@pytest.fixture
def loads(monkeypatch):
    """The names of the folders that were loaded, in order."""
    from serving.server.store import model_versions

    loaded, real = [], model_versions.load_saved_model

    def load(path, *options):
        loaded.append(path.name)
        return real(path, *options)

    monkeypatch.setattr(model_versions, "load_saved_model", load)
    return loaded


class Gate:
    """Holds each load of a SavedModel at its end, until it is opened."""

    def __init__(self):
        self.open = threading.Event()
        self.reached = threading.Event()


@pytest.fixture
def gate(monkeypatch):
    """A gate that is open at first."""
    from serving.server.store import model_versions

    gate, real = Gate(), model_versions.load_saved_model
    gate.open.set()

    def load(path, *options):
        model = real(path, *options)
        gate.reached.set()
        assert gate.open.wait(30)
        return model

    monkeypatch.setattr(model_versions, "load_saved_model", load)
    yield gate
    gate.open.set()
