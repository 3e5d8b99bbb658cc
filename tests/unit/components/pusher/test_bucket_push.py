"""The push to a bucket, on TensorFlow's file system in memory, which stands for gs:// here."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.pusher import atomic_push, bucket_push
from components.pusher.bucket_push import digest_model, push_version
from schema.errors import TaggerError
from tests.unit.components.pusher.conftest import MANIFEST, folders, read_tree, write_model

DAY_S = 86_400
_numbers = itertools.count()


@pytest.fixture
def base() -> str:
    return f"ram://bucket-{next(_numbers)}/serving/arxiv_tagger"


@pytest.fixture
def models(tmp_path: Path) -> Callable[[str], str]:
    return lambda mark: str(write_model(tmp_path / mark, mark))


def test_digest_is_read_from_the_manifest_and_else_from_the_files(
    base: str, models: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a person copied has no manifest, and another form of the number.
    io_utils.copy_dir(models("a"), f"{base}/0010")
    by_hand = push_version(models("a"), base, now=20)
    assert (by_hand.version, by_hand.path, by_hand.is_new) == (10, f"{base}/0010", False)
    pushed = push_version(models("b"), base, now=30)
    with fileio.open(f"{pushed.path}/{MANIFEST}", "r") as file:
        assert json.loads(file.read()) == {"digest": digest_model(models("b")), "pushed_at": 30}
    read: list[str] = []
    digest = digest_model
    monkeypatch.setattr(bucket_push, "digest_model", lambda path: read.append(path) or digest(path))
    assert not push_version(models("b"), base, now=40).is_new
    assert read == [models("b")]


def test_a_pushed_version_is_the_same_model_as_its_source(
    base: str, models: Callable[[str], str], tmp_path: Path
) -> None:
    """Whether on a disk or in a bucket, with or without what pushes add."""
    pushed = push_version(models("a"), base, now=1).path
    back = tmp_path / "back"
    io_utils.copy_dir(pushed, str(back))
    (back / "assets.extra" / "evaluation.json").write_text('{"lrap": 0.9}')
    digests = {digest_model(pushed), digest_model(str(back)), atomic_push.digest_model(back)}
    assert digests == {atomic_push.digest_model(Path(models("a")))}
    assert digest_model(models("b")) not in digests


def test_graph_is_the_last_file_that_a_version_gets(
    base: str, models: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks at the folder as a server does, before and after each step of the push."""
    whole = read_tree(models("new"))
    push_version(models("old"), base, now=100)
    seen = []

    def watch(name: str) -> None:
        call = getattr(fileio, name)

        def step(*arguments: Any, **options: Any) -> Any:
            look()
            result = call(*arguments, **options)
            look()
            return result

        monkeypatch.setattr(fileio, name, step)

    def look() -> None:
        path = f"{base}/200"
        files = set(read_tree(path)) if tf.io.gfile.exists(path) else set()
        seen.append(len(files))
        if tf.io.gfile.exists(f"{path}/saved_model.pb"):
            assert read_tree(path) == whole
        assert tf.io.gfile.exists(f"{base}/100/saved_model.pb")

    for name in ("rename", "copy", "makedirs", "rmtree"):
        watch(name)
    push_version(models("new"), base, now=200)
    # The steps were seen one by one, half versions among them.
    assert set(seen) == set(range(len(whole) + 1))
    assert seen == sorted(seen)


def break_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
    """Makes one of the calls that change something fail, counted over all of them."""
    count = itertools.count()

    def breaking(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            if next(count) == step:
                raise error
            return call(*arguments, **options)

        return run

    for name in ("rename", "copy", "makedirs"):
        monkeypatch.setattr(fileio, name, breaking(getattr(fileio, name)))


def failures() -> Iterator[Any]:
    for step in range(21):
        yield pytest.param(step, tf.errors.UnavailableError(None, None, "gone"), id=f"{step}-gone")
    yield pytest.param(12, KeyboardInterrupt(), id="stopped")


@pytest.mark.parametrize(("step", "error"), failures())
def test_push_that_fails_leaves_nothing(
    base: str,
    models: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    error: BaseException,
) -> None:
    push_version(models("old"), base, now=100)
    with monkeypatch.context() as patch:
        break_at(patch, step, error)
        kind = TaggerError if isinstance(error, tf.errors.OpError) else type(error)
        if step < 20:
            with pytest.raises(kind):
                push_version(models("new"), base, now=200)
            assert folders(base) == ["100"]
        else:
            # One call more than there are: so the steps before were all of them.
            push_version(models("new"), base, now=200)
    result = push_version(models("new"), base, now=200)
    assert result.version == 200
    assert read_tree(result.path) == read_tree(models("new"))
    assert folders(base) == ["100", "200"]


def kill(base: str, model: str, now: int, step: int, patch: pytest.MonkeyPatch) -> None:
    """A push that dies: it changes nothing any more, not even to clean up."""

    class Killed(BaseException):
        pass

    break_at(patch, step, Killed())
    patch.setattr(bucket_push, "_remove", lambda _: None)
    with pytest.raises(Killed):
        push_version(model, base, now)


@pytest.mark.parametrize("step", [8, 14, 18])
def test_what_a_killed_push_left_is_passed_and_goes_a_day_later(
    base: str, models: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    push_version(models("old"), base, now=100)
    with monkeypatch.context() as patch:
        kill(base, models("new"), 200, step, patch)
    left = set(folders(base)) - {"100"}
    assert left
    # The same model as the latest whole one is still no push, and what is fresh may be in use.
    assert not push_version(models("old"), base, now=300).is_new
    assert left < set(folders(base))
    assert push_version(models("newer"), base, now=300).version == 300
    assert not push_version(models("newer"), base, now=300 + DAY_S).is_new
    # A number that a later whole one hides disturbs nobody.
    assert [name for name in folders(base) if name.startswith(".")] == []


def test_half_version_that_would_be_the_latest_goes_a_day_later(
    base: str, models: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    push_version(models("old"), base, now=100)
    with monkeypatch.context() as patch:
        kill(base, models("new"), 200, 15, patch)
    # What a person is copying by hand has no manifest, and stays.
    fileio.makedirs(f"{base}/150/variables")
    assert "200" in folders(base)
    push_version(models("old"), base, now=200 + DAY_S)
    assert "200" in folders(base)
    push_version(models("old"), base, now=201 + DAY_S)
    assert folders(base) == ["100", "150"]


@pytest.mark.parametrize("rival", [".pushing-200-190-0a1b2c3d", "200", "00200"])
def test_two_pushes_never_write_the_same_version(
    base: str, models: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, rival: str
) -> None:
    copy = fileio.copy

    def copy_beside_another(source: str, target: str) -> None:
        fileio.makedirs(f"{base}/{rival}")
        copy(source, target)

    monkeypatch.setattr(fileio, "copy", copy_beside_another)
    with pytest.raises(TaggerError, match=r"Another push.*version 200"):
        push_version(models("a"), base, now=200)
    assert folders(base) == [rival]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (tf.errors.PermissionDeniedError(None, None, "no right"), "No permission.*Storage Object"),
        (tf.errors.UnauthenticatedError(None, None, "who?"), "No permission.*Storage Object"),
        (tf.errors.NotFoundError(None, None, "no bucket"), "no bucket.*check that the bucket"),
        (fileio.NotFoundError("no bucket"), "no bucket.*check that the bucket"),
    ],
)
def test_refusals_of_the_store_say_what_to_do(
    base: str,
    models: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    message: str,
) -> None:
    break_at(monkeypatch, 0, error)
    with pytest.raises(TaggerError, match=f"(?s){message}"):
        push_version(models("a"), base, now=1)
