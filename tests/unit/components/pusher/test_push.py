"""Pushes to a folder and to a bucket: what holds for both, and which is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.pusher.component import push_version
from schema.errors import BadInputError, UsageError
from tests.unit.components.pusher.conftest import MANIFEST, folders, read_tree, write_model


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    return f"ram://{tmp_path.name}/serving"


@pytest.fixture(params=["folder", "bucket"])
def base(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> str:
    return bucket if request.param == "bucket" else str(tmp_path / "deep" / "serving")


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_model(tmp_path / "model", "a"))


def test_push_copies_the_whole_model_under_the_time(base: str, model: str) -> None:
    result = push_version(model, f"{base}/", now=1_700_000_000)
    assert (result.version, result.is_new) == (1_700_000_000, True)
    assert result.path == f"{base}/1700000000"
    assert read_tree(result.path) == read_tree(model)
    assert folders(base) == ["1700000000"]
    # Only a bucket's version tells by a manifest which model it is.
    assert fileio.exists(f"{result.path}/{MANIFEST}") is base.startswith("ram://")


@pytest.mark.parametrize(
    ("taken", "expected"), [((), 7), ((5,), 7), ((7,), 8), ((3, 900, 20), 901)]
)
def test_version_is_now_or_one_more_than_any_number_there(
    base: str, model: str, tmp_path: Path, taken: tuple[int, ...], expected: int
) -> None:
    for version in taken:
        old = write_model(tmp_path / f"old {version}", f"old {version}")
        io_utils.copy_dir(str(old), f"{base}/{version}")
    if taken:
        # A number without a model counts: it may be another push's.
        fileio.remove(f"{base}/{max(taken)}/saved_model.pb")
    fileio.makedirs(f"{base}/not-a-version-1000")
    assert push_version(model, base, now=7).version == expected


def test_same_model_is_never_pushed_twice(base: str, model: str, tmp_path: Path) -> None:
    copy, other = (str(write_model(tmp_path / (mark * 2), mark)) for mark in "ab")
    first = push_version(model, base, now=10)
    again = push_version(copy, base, now=20)
    assert (again.version, again.path, again.is_new) == (10, first.path, False)
    assert push_version(other, base, now=30).is_new
    # The latest version counts: going back to an older model is a push.
    assert push_version(model, base, now=40).version == 40
    assert folders(base) == ["10", "30", "40"]


def test_folder_without_a_model_is_refused(base: str, tmp_path: Path) -> None:
    (tmp_path / "model" / "variables").mkdir(parents=True)
    with pytest.raises(BadInputError, match=r"no saved_model\.pb"):
        push_version(str(tmp_path / "model"), base, now=1)
    assert not fileio.exists(base)


def test_from_a_bucket_to_a_bucket_and_not_to_a_disk(
    bucket: str, model: str, tmp_path: Path
) -> None:
    first = push_version(model, f"{bucket}/one", now=5).path
    second = push_version(first, f"{bucket}/two", now=6)
    assert read_tree(second.path) == read_tree(model)
    assert not push_version(model, f"{bucket}/two", now=7).is_new
    with pytest.raises(UsageError, match="on a local disk"):
        push_version(first, str(tmp_path / "serving"), now=7)
    assert not (tmp_path / "serving").exists()


@pytest.mark.parametrize("url", ["file:///models", "ftp://host/models"])
def test_address_that_nobody_writes_to_is_a_usage_error(model: str, url: str) -> None:
    with pytest.raises(UsageError, match=rf"{url}.*gs://bucket"):
        push_version(model, url, now=7)
