"""Pushes a SavedModel into a local serving directory: versions are complete, or not there."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from components.pusher.model_version import (
    STAGING_PREFIX,
    PushResult,
    choose_version,
    digest_files,
)
from schema.errors import BadInputError, TaggerError, UsageError
from serving.versions import GRAPH_FILE, version_folders

_LOCK_FILE: Final = ".pushing.lock"

_BAD_DESTINATION: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG}
)


def push_version(model_dir: Path, base: Path, now: int) -> PushResult:
    """Makes a SavedModel the newest version in a serving directory.

    The model is copied next to the versions under a name that TF Serving ignores, synced to disk,
    and renamed in one step. Whenever the process dies, the directory holds only complete versions;
    the next push removes leftovers. Concurrent pushes wait for each other.

    Args:
        model_dir: Folder of the SavedModel.
        base: Serving directory, the parent of the versions; created if missing.
        now: Seconds since 1970. The version is `now`, or the latest version + 1 if that is
            greater.

    Returns:
        The new version, or the latest one if that holds the same model.

    Raises:
        BadInputError: `model_dir` holds no SavedModel.
        UsageError: `base` can't be created or written.
        TaggerError: Writing failed, for example on a full disk; no version was added.
    """
    if not (model_dir / GRAPH_FILE).is_file():
        raise BadInputError(f"There is no SavedModel to push in {model_dir}: no {GRAPH_FILE}.")
    with _clear_errors(base):
        _make_folder(base)
        with _locked(base):
            _remove_leftovers(base)
            versions = version_folders(base)
            latest = max(versions, default=None)
            if latest is not None and digest_model(versions[latest]) == digest_model(model_dir):
                return PushResult(latest, str(versions[latest]), is_new=False)
            version = choose_version(versions, now)
            final = base / str(version)
            staging = base / f"{STAGING_PREFIX}{version}-{secrets.token_hex(4)}"
            try:
                _copy_synced(model_dir, staging)
                staging.rename(final)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                raise
            _sync(base)
            return PushResult(version, str(final), is_new=True)


def digest_model(folder: Path) -> str:
    """Returns the digest of a model on a file system; see `digest_files`."""
    files = [path.relative_to(folder).as_posix() for path in _files(folder)]
    return digest_files(files, lambda name: (folder / name).open("rb"))


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, files in os.walk(folder, followlinks=True, onerror=_raise):
        yield from (Path(parent, name) for name in files)


def _raise(error: OSError) -> None:
    """Stops os.walk, which otherwise skips what it can't list."""
    raise error


def _remove_leftovers(base: Path) -> None:
    """Removes what killed pushes left; under the lock nothing of it is in use."""
    for entry in base.glob(f"{STAGING_PREFIX}*"):
        # The new version has a name of its own, so one that can't be removed is in nobody's way.
        shutil.rmtree(entry, ignore_errors=True)


def _copy_synced(source: Path, target: Path) -> None:
    """Copies a tree, and returns when its files and folders are on the disk.

    Permissions are the process's defaults, not the source's: the server may be another user.
    """
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            _copy_synced(entry, target / entry.name)
        else:
            shutil.copyfile(entry, target / entry.name)
            _sync(target / entry.name)
    _sync(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    """Creates a folder and its parents, each on the disk before the next."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


@contextmanager
def _locked(base: Path) -> Iterator[None]:
    """Holds the lock file of a serving directory, and removes it at the end.

    It locks a file, since a folder can't be locked on NFS. The lock ends with the process, so a
    leftover lock file locks nobody out.
    """
    lock = base / _LOCK_FILE
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # The holder may have removed the file while this process waited.
            if not _is_same_file(descriptor, lock):
                continue
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return
        finally:
            os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _clear_errors(base: Path) -> Iterator[None]:
    """Turns errors of the file system into ones that say what to do."""
    try:
        yield
    except OSError as error:
        reason = f"{error.strerror or error} ({error.filename or base})"
        if error.errno in _BAD_DESTINATION:
            raise UsageError(
                f"Cannot write to the serving directory {base}: {reason}. "
                "Choose an output directory that you can write to."
            ) from error
        raise TaggerError(
            f"The push to {base} failed: {reason}. No version was added; "
            "correct that and run again."
        ) from error
