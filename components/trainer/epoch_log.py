"""The training's progress as JSON lines that another process can follow."""

from __future__ import annotations

import json
import time
from pathlib import PurePosixPath
from typing import Any

import keras
import tensorflow as tf

from schema import names

_SECONDS_BETWEEN_LINES = 0.5
# Remote storage takes a whole new file for each flush, Google Cloud's at most once a second.
_SECONDS_BETWEEN_REMOTE_LINES = 10.0


class EpochLog(keras.callbacks.Callback):
    """Writes `epochs.jsonl`: a line per epoch, and lines inside long epochs.

    A line inside an epoch has `epoch` (from 1), `epochs`, `step`, `steps`, `seconds` since the
    epoch began, and the epoch's running `loss` and `binary_accuracy`; there are at most two a
    second, on remote storage one in ten seconds. A line at an epoch's end has no `step`, and all
    figures of the epoch. Each is flushed at once. Comes after the callbacks that add figures. An
    older file in the folder is replaced.

    Args:
        log_dir: Folder of the file, local or remote; created where it is missing.
        epochs: Epochs at the most.
        steps: Steps of an epoch.
    """

    def __init__(self, log_dir: str, epochs: int, steps: int) -> None:
        super().__init__()
        self._directory = log_dir
        remote = "://" in log_dir
        self._pause = _SECONDS_BETWEEN_REMOTE_LINES if remote else _SECONDS_BETWEEN_LINES
        self._epochs = epochs
        self._steps = steps
        self._epoch = 0
        self._began = 0.0
        self._written = 0.0
        self._file: tf.io.gfile.GFile | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts an empty file."""
        del logs
        tf.io.gfile.makedirs(self._directory)
        self._file = tf.io.gfile.GFile(epochs_path(self._directory), "w")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the epoch's clock."""
        del logs
        self._epoch = epoch + 1
        self._began = self._written = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Writes a line if the last one is old enough."""
        now = time.monotonic()
        if now - self._written >= self._pause:
            self._written = now
            self._write({"step": batch + 1, "steps": self._steps}, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the epoch's line."""
        del epoch
        self._write({}, logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        del logs
        self.close()

    def close(self) -> None:
        """Closes the file; needed where training ended with an error."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, position: dict[str, int], logs: Any) -> None:
        line = {
            "epoch": self._epoch,
            "epochs": self._epochs,
            **position,
            "seconds": round(time.monotonic() - self._began, 3),
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        assert self._file is not None, "Keras calls on_train_begin first"
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def epochs_path(log_dir: str) -> str:
    """Returns where the lines of a training with this log folder are."""
    if "://" in log_dir:
        return f"{log_dir.rstrip('/')}/{names.EPOCHS_FILE}"
    return str(PurePosixPath(log_dir) / names.EPOCHS_FILE)
