"""The atomic push: whole versions only, whenever the process dies."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.pusher.atomic_push import digest_model, push_version
from schema.errors import TaggerError, UsageError
from tests.unit.components.pusher.conftest import write_model

ROOT = Path(__file__).resolve().parents[4]

# Runs a push, counts its system calls from Python (each call and each return), and dies at
# the chosen one; with 0 it prints how many there are and where the rename is.
KILLED_PUSH = """
import os, sys
from pathlib import Path
from components.pusher.atomic_push import push_version

model, base, now, stop = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
seen = []

def hook(frame, event, function):
    if event not in ("c_call", "c_return"):
        return
    if getattr(function, "__module__", None) not in ("posix", "io", "_io", "fcntl"):
        return
    if function.__name__ in ("fspath", "fsencode", "lstat", "stat"):
        return
    seen.append(function.__name__)
    if len(seen) == stop:
        os._exit(9)

sys.setprofile(hook)
push_version(model, base, now)
sys.setprofile(None)
print(len(seen), seen.index("rename") + 1)
"""


def read_tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def run_push(model: Path, base: Path, now: int, stop: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED_PUSH, str(model), str(base), str(now), str(stop)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_a_version_scored_is_no_part_of_the_model(tmp_path: Path) -> None:
    """Else every new measurement of the same model would be a version."""
    model, base = write_model(tmp_path / "model", "a"), tmp_path / "base"
    metrics = model / "assets.extra" / "evaluation.json"
    metrics.write_text('{"lrap": 0.9}')
    first = push_version(model, base, now=10)
    assert (Path(first.path) / "assets.extra" / "evaluation.json").read_text() == '{"lrap": 0.9}'
    for content in ('{"lrap": 0.8}', None):
        metrics.unlink()
        if content:
            metrics.write_text(content)
        assert push_version(model, base, now=20).version == 10
    # The same name elsewhere is the model's.
    (model / "evaluation.json").write_text("{}")
    assert push_version(model, base, now=30).is_new


@pytest.mark.parametrize("change", ["content", "name", "moved bytes", "extra file"])
def test_any_change_of_the_files_is_another_model(tmp_path: Path, change: str) -> None:
    first, second = write_model(tmp_path / "a", "a"), write_model(tmp_path / "b", "a")
    assert digest_model(first) == digest_model(second)
    index = second / "variables" / "variables.index"
    if change == "content":
        index.write_bytes(b"indeX")
    elif change == "name":
        index.rename(index.with_name("variables.Index"))
    elif change == "moved bytes":
        index.write_bytes(b"ind")
        (second / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"ex")
    else:
        (second / "more").write_bytes(b"")
    assert digest_model(first) != digest_model(second)


def test_kill_at_ten_points_leaves_whole_versions_only(tmp_path: Path) -> None:
    old, new = write_model(tmp_path / "old", "old"), write_model(tmp_path / "new", "new")

    def prepare(name: str) -> Path:
        base = tmp_path / name
        push_version(old, base, now=100)
        # What an earlier kill left, so that its removal is interrupted too.
        write_model(base / ".pushing-99-dead", "half")
        return base

    whole = run_push(new, prepare("whole"), 200, 0)
    assert whole.returncode == 0, whole.stderr
    steps, rename = (int(word) for word in whole.stdout.split())
    points = sorted({1 + round(i * (steps - 1) / 7) for i in range(8)} | {rename, rename + 1})
    assert len(points) == 10

    outcomes = set()
    for point in points:
        base = prepare(f"killed-{point}")
        died = run_push(new, base, 200, point)
        assert died.returncode == 9, died.stderr
        versions = {entry.name: entry for entry in base.iterdir() if entry.name.isdigit()}
        outcomes.add(frozenset(versions))
        assert read_tree(versions.pop("100")) == read_tree(old)
        for left in versions.values():
            assert read_tree(left) == read_tree(new)
        # Whatever else lies there has a name that TF Serving ignores, and goes next time.
        assert all(
            entry.name.isdigit() or entry.name.startswith(".pushing") for entry in base.iterdir()
        )
        assert push_version(new, base, now=200).version == 200
        assert sorted(entry.name for entry in base.iterdir()) == ["100", "200"]
        assert read_tree(base / "200") == read_tree(new)
    # The points lie on both sides of the rename.
    assert outcomes == {frozenset({"100"}), frozenset({"100", "200"})}


def test_a_leftover_that_cannot_be_removed_is_in_nobodys_way(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    # No folder, as on a disk with errors.
    (base / ".pushing-99-dead").touch()
    assert push_version(write_model(tmp_path / "new", "new"), base, now=200).version == 200


def test_everything_is_synced_before_the_rename_and_the_parent_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_model(tmp_path / "model", "a")
    base = tmp_path / "base"
    events: list[tuple[str, str]] = []
    sync, rename = os.fsync, Path.rename

    def spy_sync(descriptor: int) -> None:
        events.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        sync(descriptor)

    def spy_rename(self: Path, target: Path) -> Path:
        events.append(("rename", str(self)))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", spy_sync)
    monkeypatch.setattr(Path, "rename", spy_rename)
    push_version(model, base, now=5)

    (at,) = (i for i, event in enumerate(events) if event[0] == "rename")
    staging = events[at][1]
    needed = {staging} | {f"{staging}/{name}" for name in read_tree(model)}
    assert needed <= {path for kind, path in events[:at] if kind == "sync"}
    assert ("sync", str(base)) in events[at:]
    assert ("sync", str(tmp_path)) in events[:at]


def test_pushes_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    models = [write_model(tmp_path / f"m{i}", f"model {i}") for i in range(4)]
    base = tmp_path / "base"
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda model: push_version(model, base, now=1), models))
    assert sorted(result.version for result in results) == [1, 2, 3, 4]
    for model, result in zip(models, results, strict=True):
        assert read_tree(Path(result.path)) == read_tree(model)
    assert sorted(entry.name for entry in base.iterdir()) == ["1", "2", "3", "4"]


def test_server_of_another_user_can_read_a_version(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", "a")
    (model / "saved_model.pb").chmod(0o600)
    model.chmod(0o700)
    mask = os.umask(0o022)
    try:
        path = Path(push_version(model, tmp_path / "base", now=5).path)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o755
    assert (path / "saved_model.pb").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("below", ["file", "file/serving", "file/a/b"])
def test_unusable_path_is_a_usage_error(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Choose an output directory") as raised:
        push_version(write_model(tmp_path / "model", "a"), tmp_path / below, now=1)
    assert str(tmp_path / "file") in str(raised.value)


@pytest.mark.parametrize(
    ("code", "kind"), [(errno.EACCES, UsageError), (errno.ENOSPC, TaggerError)]
)
def test_failed_write_adds_nothing_and_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[TaggerError]
) -> None:
    model, base = write_model(tmp_path / "model", "a"), tmp_path / "base"
    count = 0
    sync = os.fsync

    def fail_on_the_third(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_on_the_third)
    with pytest.raises(TaggerError, match=os.strerror(code)) as raised:
        push_version(model, base, now=1)
    assert type(raised.value) is kind
    assert list(base.iterdir()) == []
    assert push_version(model, base, now=2).version == 2
