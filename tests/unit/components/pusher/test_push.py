"""A destination's scheme chooses how a version is pushed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx.dsl.io import fileio

from components.pusher.push import push_version
from schema.errors import UsageError


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"graph")
    return str(tmp_path / "model")


def read_graph(folder: str) -> bytes:
    with fileio.open(f"{folder}/saved_model.pb", "rb") as file:
        return bytes(file.read())


def test_path_is_a_local_folder_and_an_address_a_bucket(model: str, tmp_path: Path) -> None:
    local = push_version(model, str(tmp_path / "serving"), now=5)
    assert local.path == str(tmp_path / "serving" / "5")
    # Only a bucket's version tells by a manifest which model it is.
    assert [entry.name for entry in Path(local.path).iterdir()] == ["saved_model.pb"]
    base = f"ram://{tmp_path.name}/serving"
    assert push_version(model, base, now=5).path == f"{base}/5"
    assert read_graph(f"{base}/5") == b"graph"
    assert fileio.exists(f"{base}/5/assets.extra/pushed_model.json")


def test_from_a_bucket_to_a_bucket_and_not_to_a_disk(model: str, tmp_path: Path) -> None:
    first = push_version(model, f"ram://{tmp_path.name}/one", now=5).path
    second = push_version(first, f"ram://{tmp_path.name}/two", now=6)
    assert read_graph(second.path) == b"graph"
    assert not push_version(model, f"ram://{tmp_path.name}/two", now=7).is_new
    with pytest.raises(UsageError, match="on a local disk"):
        push_version(first, str(tmp_path / "serving"), now=7)
    assert not (tmp_path / "serving").exists()


@pytest.mark.parametrize("url", ["file:///models", "ftp://host/models"])
def test_address_that_nobody_writes_to_is_a_usage_error(model: str, url: str) -> None:
    with pytest.raises(UsageError, match=rf"{url}.*gs://bucket"):
        push_version(model, url, now=7)
