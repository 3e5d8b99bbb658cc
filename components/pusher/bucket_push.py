"""Pushes a SavedModel into a bucket: nobody can load half a model.

Buckets can't rename folders, so the guarantees are weaker than on a file system:

- `saved_model.pb` is written last. If listing and reading are strongly consistent, as in Cloud
  Storage, a version that has it is complete, and a version that lacks it can't be loaded, by TF
  Serving or anything else that loads a SavedModel.
- For some seconds a version's folder is there without `saved_model.pb`. If TF Serving looks just
  then, it fails to load it, keeps serving the version before, and tries again a minute later
  (`--max_num_load_retries`, `--load_retry_interval_micros`).
- A push that is killed in these seconds leaves a version that can't be loaded. The next version
  has a greater number, so servers load that one. A push a day later removes the leftovers.
- There is no lock. Two pushes at the same time get different versions, or one or both of them
  stop; what they write never mixes.
"""

from __future__ import annotations

import json
import posixpath
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import tensorflow as tf
from absl import logging
from tfx.dsl.io import fileio

from components.pusher.model_version import (
    MANIFEST,
    STAGING_PREFIX,
    PushResult,
    choose_version,
    digest_files,
)
from schema.errors import BadInputError, TaggerError
from serving.versions import GRAPH_FILE, index_versions

# A running push can't be told from a killed one; after a day none is still running.
_DAY_S: Final = 86_400
_STAGING: Final = re.compile(rf"{re.escape(STAGING_PREFIX)}\d+-(\d+)-")

_ERRORS: Final = (OSError, tf.errors.OpError)


def push_version(model_dir: str, base: str, now: int) -> PushResult:
    """Makes a SavedModel the newest version in a serving folder of a bucket.

    The model's files are written under a name that TF Serving ignores, and moved from there one
    by one, `saved_model.pb` last. A manifest among them identifies the model.

    Args:
        model_dir: Folder of the SavedModel, local or in a bucket.
        base: Serving folder, the parent of the versions, as in `gs://bucket/serving`.
        now: Seconds since 1970. The version is `now`, or the greatest version + 1 if that is
            greater.

    Returns:
        The new version, or the latest complete one if that holds the same model.

    Raises:
        BadInputError: `model_dir` holds no SavedModel.
        TaggerError: The bucket can't be written, or another push writes the same version.
    """
    base = base.rstrip("/")
    with _clear_errors(base):
        # A version that was pushed to another bucket before has a manifest of its own.
        files = [name for name in list_files(model_dir) if name != MANIFEST]
        if GRAPH_FILE not in files:
            raise BadInputError(f"There is no SavedModel to push in {model_dir}: no {GRAPH_FILE}.")
        fileio.makedirs(base)
        digest = digest_model(model_dir)
        folders = _list_folders(base)
        versions = index_versions(folders)
        # The greatest version that can be loaded.
        latest = next(
            (
                version
                for version in sorted(versions, reverse=True)
                if fileio.exists(f"{base}/{versions[version]}/{GRAPH_FILE}")
            ),
            None,
        )
        half = [folder for version, folder in versions.items() if version > (latest or 0)]
        _remove_leftovers(base, folders, half, now)
        if latest is not None and _read_digest(f"{base}/{versions[latest]}") == digest:
            return PushResult(latest, f"{base}/{versions[latest]}", is_new=False)
        version = choose_version(versions, now)
        staging = f"{base}/{STAGING_PREFIX}{version}-{now}-{secrets.token_hex(4)}"
        try:
            _stage(model_dir, files, staging, {"digest": digest, "pushed_at": now})
            _reject_concurrent_push(base, version, staging)
            _publish([MANIFEST, *files], staging, f"{base}/{version}")
        finally:
            _remove(staging)
        return PushResult(version, f"{base}/{version}", is_new=True)


def digest_model(folder: str) -> str:
    """Returns the digest of a model wherever TensorFlow reads; see `digest_files`."""
    return digest_files(list_files(folder), lambda name: fileio.open(f"{folder}/{name}", "rb"))


def list_files(folder: str) -> list[str]:
    """Returns the names of all files below a folder, relative to it, with slashes."""
    top = folder.rstrip("/")
    return [
        posixpath.join(parent, name).removeprefix(f"{top}/")
        for parent, _, names in fileio.walk(top)
        for name in names
    ]


def _list_folders(base: str) -> list[str]:
    # Cloud Storage lists a folder with a slash at its end.
    return [name.rstrip("/") for name in fileio.listdir(base)]


def _read_digest(folder: str) -> str:
    """Returns the digest of a version; one that was copied by hand has no manifest."""
    manifest = _read_manifest(folder)
    return str(manifest["digest"]) if manifest else digest_model(folder)


def _read_manifest(folder: str) -> dict[str, Any] | None:
    path = f"{folder}/{MANIFEST}"
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        manifest: dict[str, Any] = json.loads(file.read())
    return manifest


def _remove_leftovers(base: str, folders: list[str], half: list[str], now: int) -> None:
    """Removes what pushes left that were killed more than a day ago.

    Args:
        base: The serving folder.
        folders: Everything in it.
        half: The incomplete versions after the latest complete one.
        now: Seconds since 1970.
    """
    begun = {}
    for folder in folders:
        if match := _STAGING.match(folder):
            begun[folder] = int(match[1])
    for folder in half:
        # Without our manifest somebody may be copying it by hand.
        if manifest := _read_manifest(f"{base}/{folder}"):
            begun[folder] = int(manifest["pushed_at"])
    for folder, time in begun.items():
        if now - time > _DAY_S:
            fileio.rmtree(f"{base}/{folder}")


def _stage(model_dir: str, files: list[str], staging: str, manifest: dict[str, Any]) -> None:
    """Copies the model, and writes the manifest."""
    _make_folders([MANIFEST, *files], staging)
    with fileio.open(f"{staging}/{MANIFEST}", "w") as file:
        file.write(json.dumps(manifest))
    for name in files:
        fileio.copy(f"{model_dir.rstrip('/')}/{name}", f"{staging}/{name}")


def _reject_concurrent_push(base: str, version: int, staging: str) -> None:
    """Stops if another push writes the same version.

    Each push looks after creating its own staging folder, so of two at least one sees the other.
    """
    folders = _list_folders(base)
    prefix = f"{STAGING_PREFIX}{version}-"
    staged = {f"{base}/{folder}" for folder in folders if folder.startswith(prefix)}
    if version in index_versions(folders) or staged != {staging}:
        raise TaggerError(
            f"Another push to {base} is writing version {version} right now. "
            "Nothing was pushed; run again."
        )


def _publish(files: list[str], staging: str, final: str) -> None:
    """Moves the files to where a server looks, or removes all of them again.

    The graph comes last, and the manifest first, so that leftovers can be recognized.
    """
    try:
        _make_folders(files, final)
        # False sorts before True, and the sort keeps the order of equals.
        for name in sorted(files, key=lambda name: name == GRAPH_FILE):
            fileio.rename(f"{staging}/{name}", f"{final}/{name}")
    except BaseException:
        _remove(final)
        raise


def _make_folders(files: Iterable[str], top: str) -> None:
    for folder in sorted({posixpath.dirname(f"{top}/{name}") for name in files}):
        fileio.makedirs(folder)


def _remove(folder: str) -> None:
    """Removes a folder; if that fails, it is left for a later push to remove."""
    try:
        if fileio.exists(folder):
            fileio.rmtree(folder)
    except _ERRORS as error:
        logging.warning("Could not remove %s: %s", folder, error)


@contextmanager
def _clear_errors(base: str) -> Iterator[None]:
    """Turns errors of the store into ones that say what to do."""
    try:
        yield
    except (tf.errors.PermissionDeniedError, tf.errors.UnauthenticatedError) as error:
        raise TaggerError(
            f"No permission to write to {base} ({error.message}). No version was added. Give the "
            "account that the step runs as the role Storage Object Admin on the bucket."
        ) from error
    except _ERRORS as error:
        # TFX's own NotFoundError has no message; its cause does.
        reason = str(error) or str(error.__cause__ or "not found")
        raise TaggerError(
            f"The push to {base} failed ({reason}). No version was added; check that the bucket "
            "exists, and run again."
        ) from error
