"""What TensorBoard shows of a training, as event files."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, Final

import keras
import tensorflow as tf
from tensorboard.plugins.pr_curve import summary as pr_curve

from components.trainer.validation import Predictions, Predictor

# The labels with the most training papers, which come first, have a curve.
_CURVES: Final = 12
_SECONDS_BETWEEN_STEPS: Final = 0.5


class TensorBoardLog(keras.callbacks.Callback):
    """Writes the runs `train` and `validation`, with the tags of `keras.callbacks.TensorBoard`.

    Each epoch, counted from 1, has its figures and the learning rate (`epoch_loss`). At most twice
    a second a step has those of its epoch so far (`batch_loss`): whoever reads them waits for the
    device. `validation` has the graph of the network, and after each epoch a
    precision-recall curve for each of the largest labels. Place it after `Validate`.

    Args:
        log_dir: Folder of the event files, local or remote.
        labels: The names of the columns; without them there are no curves.
        predictor: Has the graph of the network that is validated.
    """

    def __init__(self, log_dir: str, labels: Sequence[str], predictor: Predictor) -> None:
        super().__init__()
        self._writers = {
            run: tf.summary.create_file_writer(f"{log_dir.rstrip('/')}/{run}")
            for run in ("train", "validation")
        }
        self._labels = labels[:_CURVES]
        self._predictor = predictor
        self._step = 0
        self._written = -math.inf

    def on_train_begin(self, logs: Any = None) -> None:
        """Writes the graph."""
        del logs
        with self._writers["validation"].as_default():
            tf.summary.graph(self._predictor.graph)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Writes a step's figures if the last ones are old enough."""
        del batch
        self._step += 1
        if time.monotonic() - self._written < _SECONDS_BETWEEN_STEPS:
            return
        with self._writers["train"].as_default(self._step):
            for name, value in {**logs, "learning_rate": self._learning_rate()}.items():
                tf.summary.scalar(f"batch_{name}", float(value))
        self._written = time.monotonic()

    def write_curves(self, epoch: int, predictions: Predictions) -> None:
        """Writes the precision-recall curves of an epoch, counted from 0."""
        probabilities = tf.sigmoid(predictions.logits[:, : len(self._labels)]).numpy()
        with self._writers["validation"].as_default(epoch + 1):
            for column, label in enumerate(self._labels):
                curve = pr_curve.pb(
                    f"precision_recall/{label}",
                    predictions.y_true[:, column] > 0,
                    probabilities[:, column],
                )
                tf.summary.experimental.write_raw_pb(curve.SerializeToString())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the epoch's figures; TensorBoard sees them at once."""
        for name, value in {**logs, "learning_rate": self._learning_rate()}.items():
            run = "validation" if name.startswith("val_") else "train"
            with self._writers[run].as_default(epoch + 1):
                tf.summary.scalar(f"epoch_{name.removeprefix('val_')}", value)
        for writer in self._writers.values():
            writer.flush()

    def _learning_rate(self) -> float:
        """Returns the learning rate of the next step."""
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def close(self) -> None:
        """Closes the files; call it also if training failed."""
        for writer in self._writers.values():
            writer.close()
