"""What happens after each epoch: validation, early stopping, and a progress file."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.trainer.model import copy_weights
from components.trainer.strategy import broadcast_metrics
from components.trainer.validation import Predictions, Predictor, validation_figures
from schema import names
from schema.errors import UsageError

# The figure that early stopping watches; higher is better.
EARLY_STOPPING_FIGURE: Final = "val_lrap"

_SECONDS_BETWEEN_LINES = 0.5
# Remote storage takes a whole new file for each flush, Google Cloud's at most one a second.
_SECONDS_BETWEEN_REMOTE_LINES = 10.0


class TrainingDivergedError(UsageError):
    """The loss is not a number any more."""


class Validate(keras.callbacks.Callback):
    """Adds the validation split's figures to each epoch's, for the callbacks after it.

    Args:
        predictor: Runs the network that is validated over the split.
        served: That network if it isn't the trained one; it gets the trained weights first.
        watch: Gets each epoch, from 0, and its predictions.
    """

    def __init__(
        self,
        predictor: Predictor,
        served: keras.Model | None,
        watch: Callable[[int, Predictions], None],
    ) -> None:
        super().__init__()
        self._predictor = predictor
        self._served = served
        self._watch = watch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Scores the validation split.

        Raises:
            TrainingDivergedError: The loss is NaN or infinite.
        """
        if self._served is not None:
            copy_weights(self.model, self._served)
        predictions = self._predictor.predict()
        figures = validation_figures(predictions)
        logs.update(broadcast_metrics(self.model.distribute_strategy, figures))
        if not (math.isfinite(logs["loss"]) and math.isfinite(logs["val_loss"])):
            raise TrainingDivergedError(
                f"training diverged in epoch {epoch + 1}: the loss is NaN or infinite. "
                "Lower trainer.learning_rate"
            )
        self._watch(epoch, predictions)


class KeepBest(keras.callbacks.Callback):
    """Stops after epochs without a better LRAP, and puts the best epoch's weights back.

    This is `keras.callbacks.EarlyStopping(restore_best_weights=True)` for the network that is
    served: it may be a quarter of the size of the trained one, and the copy is the largest thing
    that training holds beside its own variables. Ties go to the first epoch. Place it after
    `Validate`.

    Args:
        network: Holds the weights to keep after each epoch, and the best ones in the end.
        patience: Epochs without a better figure before training stops.
    """

    def __init__(self, network: keras.Model, patience: int) -> None:
        super().__init__()
        self._network = network
        self._patience = patience
        self._best = -np.inf
        self._since_best = 0
        self._weights: list[NDArray[Any]] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keeps the weights of a better epoch, or counts one that isn't."""
        if logs[EARLY_STOPPING_FIGURE] > self._best:
            self._best = logs[EARLY_STOPPING_FIGURE]
            self._since_best = 0
            # Dropped first, so that two copies are never held; the last epoch needs none.
            self._weights = None
            if epoch + 1 < self.params["epochs"]:
                self._weights = self._network.get_weights()
            return
        self._since_best += 1
        if self._since_best >= self._patience:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Puts the best weights back."""
        del logs
        if self._since_best > 0 and self._weights is not None:
            self._network.set_weights(self._weights)
        self._weights = None


class EpochLog(keras.callbacks.Callback):
    """Writes `epochs.jsonl`, which another process can follow.

    A line inside an epoch has `epoch` (from 1), `epochs`, `step`, `steps`, `seconds` since the
    epoch began, and the epoch's running figures; there are at most two a second, on remote storage
    one in ten seconds. The line at an epoch's end has no `step`, and all
    figures of the epoch. Each line is flushed at once. Place it after the callbacks that add
    figures. An older file is replaced.

    Args:
        log_dir: Folder of the file, local or remote; created if missing.
        steps: Steps of an epoch.
    """

    def __init__(self, log_dir: str, steps: int) -> None:
        super().__init__()
        self._directory = log_dir.rstrip("/")
        remote = "://" in log_dir
        self._pause = _SECONDS_BETWEEN_REMOTE_LINES if remote else _SECONDS_BETWEEN_LINES
        self._steps = steps
        self._epoch = 0
        self._began = 0.0
        self._written = 0.0
        self._file: tf.io.gfile.GFile | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts an empty file."""
        del logs
        tf.io.gfile.makedirs(self._directory)
        self._file = tf.io.gfile.GFile(f"{self._directory}/{names.EPOCHS_FILE}", "w")

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

    def close(self) -> None:
        """Closes the file; call it also if training failed."""
        if self._file is not None:
            self._file.close()

    def _write(self, position: dict[str, int], logs: Any) -> None:
        line = {
            "epoch": self._epoch,
            "epochs": self.params["epochs"],
            **position,
            "seconds": round(time.monotonic() - self._began, 3),
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        assert self._file is not None, "Keras calls on_train_begin first"
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
