"""Pushes a version to a local folder or a bucket, whichever the destination is."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from components.pusher import atomic_push, bucket_push
from components.pusher.model_version import PushResult
from schema.errors import UsageError


def push_version(model_dir: str, destination: str, now: int) -> PushResult:
    """Makes a SavedModel the newest version in a serving folder.

    Args:
        model_dir: Folder of the SavedModel.
        destination: Serving folder: a path, which gets the version in one step (see
            `atomic_push`), or the address of a folder in a bucket (see `bucket_push`).
        now: Seconds since 1970.

    Raises:
        BadInputError: `model_dir` holds no SavedModel.
        UsageError: The destination can't be used.
        TaggerError: Writing failed; no version was added.
    """
    if "://" not in destination:
        if "://" in model_dir:
            raise UsageError(
                f"The model is in {model_dir}, and the serving folder {destination} on a local "
                "disk. Give a folder in a bucket."
            )
        return atomic_push.push_version(Path(model_dir), Path(destination), now)
    scheme = destination.partition("://")[0]
    if scheme == "file" or scheme not in tf.io.gfile.get_registered_schemes():
        raise UsageError(
            f"Cannot push to {destination}: TensorFlow can't write to {scheme}:// here. Give a "
            "path without a scheme, or a folder in a bucket, as in gs://bucket/serving."
        )
    return bucket_push.push_version(model_dir, destination, now)
