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
from components.pusher.bucket_push import digest_model, list_files, push_version
from schema.errors import BadInputError, TaggerError

DAY_S = 86_400
_numbers = itertools.count()
MANIFEST = "assets.extra/pushed_model.json"


def write_model(folder: Path, mark: str) -> str:
    for name, content in {
        "saved_model.pb": b"graph " + mark.encode(),
        "variables/variables.data-00000-of-00001": mark.encode() * 50_000,
        "variables/variables.index": b"index",
        # Not `assets`: TensorFlow's file system in memory lists no folder `x` beside an `x.y`.
        "words/labels": "cs.LG\nmath.ÉT\n".encode(),
        "assets.extra/tf_serving_warmup_requests": b"",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return str(folder)


def read_tree(folder: str) -> dict[str, bytes]:
    """The files that came from the model, by name."""
    files = [name for name in list_files(folder) if name != MANIFEST]
    return {name: fileio.open(f"{folder}/{name}", "rb").read() for name in files}


def folders(base: str) -> list[str]:
    return sorted(fileio.listdir(base)) if fileio.exists(base) else []


@pytest.fixture
def base() -> str:
    return f"ram://bucket-{next(_numbers)}/serving/arxiv_tagger"


@pytest.fixture
def models(tmp_path: Path) -> Callable[[str], str]:
    return lambda mark: write_model(tmp_path / mark, mark)


def test_push_copies_the_whole_model_under_the_time(
    base: str, models: Callable[[str], str]
) -> None:
    result = push_version(models("a"), f"{base}/", now=1_700_000_000)
    assert (result.version, result.is_new) == (1_700_000_000, True)
    assert result.path == f"{base}/1700000000"
    assert read_tree(result.path) == read_tree(models("a"))
    assert folders(base) == ["1700000000"]
    with fileio.open(f"{result.path}/{MANIFEST}", "r") as file:
        assert json.loads(file.read()) == {
            "digest": digest_model(models("a")),
            "pushed_at": 1_700_000_000,
        }


@pytest.mark.parametrize(("taken", "expected"), [((3,), 7), ((7,), 8), ((3, 900, 20), 901)])
def test_version_is_now_or_one_more_than_any_number_there(
    base: str, models: Callable[[str], str], taken: tuple[int, ...], expected: int
) -> None:
    for version in taken:
        io_utils.copy_dir(models(f"old {version}"), f"{base}/{version}")
    # A number without a model counts: it may be another push's.
    fileio.remove(f"{base}/{max(taken)}/saved_model.pb")
    fileio.makedirs(f"{base}/not-a-version-1000")
    assert push_version(models("new"), base, now=7).version == expected


def test_same_model_is_never_pushed_twice(base: str, models: Callable[[str], str]) -> None:
    first = push_version(models("a"), base, now=10)
    again = push_version(models("a"), base, now=20)
    assert (again.version, again.path, again.is_new) == (10, first.path, False)
    assert push_version(models("b"), base, now=30).is_new
    # The latest version counts: going back to an older model is a push.
    assert push_version(models("a"), base, now=40).version == 40
    assert folders(base) == ["10", "30", "40"]


def test_digest_is_read_from_the_manifest_and_else_from_the_files(
    base: str, models: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a person copied has no manifest, and another form of the number.
    io_utils.copy_dir(models("a"), f"{base}/0010")
    by_hand = push_version(models("a"), base, now=20)
    assert (by_hand.version, by_hand.path, by_hand.is_new) == (10, f"{base}/0010", False)
    push_version(models("b"), base, now=30)
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


def test_folder_without_a_model_is_refused(base: str, tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    with pytest.raises(BadInputError, match=r"no saved_model\.pb"):
        push_version(str(tmp_path), base, now=1)
    assert not fileio.exists(base)


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
