"""What TensorBoard shows of a training, beside what Keras's callback writes."""

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
# Whoever reads a step's figures waits for the device.
_SECONDS_BETWEEN_STEPS: Final = 0.5


class TensorBoardLog(keras.callbacks.TensorBoard):
    """Adds figures of steps, the network's graph and precision-recall curves of labels.

    Epochs are counted from 1. Place it after `Validate`.

    Args:
        log_dir: Folder of the event files, local or remote.
        labels: The names of the columns; without them there are no curves.
        predictor: Has the graph of the network that is validated.
    """

    def __init__(self, log_dir: str, labels: Sequence[str], predictor: Predictor) -> None:
        super().__init__(log_dir, write_graph=False, profile_batch=0)
        self._labels = labels[:_CURVES]
        self._predictor = predictor
        self._steps = 0
        self._written = -math.inf

    def on_train_begin(self, logs: Any = None) -> None:
        """Writes the graph."""
        super().on_train_begin(logs)
        with self._val_writer.as_default():
            tf.summary.graph(self._predictor.graph)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Writes a step's figures if the last ones are old enough."""
        self._steps += 1
        if time.monotonic() - self._written < _SECONDS_BETWEEN_STEPS:
            return
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        with self._train_writer.as_default(self._steps):
            for name, value in {**logs, "learning_rate": rate}.items():
                tf.summary.scalar(f"batch_{name}", float(value))
        self._written = time.monotonic()

    def write_curves(self, epoch: int, predictions: Predictions) -> None:
        """Writes the curves of an epoch, which Keras counts from 0."""
        probabilities = tf.sigmoid(predictions.logits[:, : len(self._labels)]).numpy()
        with self._val_writer.as_default(epoch + 1):
            for column, label in enumerate(self._labels):
                truth = predictions.y_true[:, column] > 0
                curve = pr_curve.pb(f"precision_recall/{label}", truth, probabilities[:, column])
                tf.summary.experimental.write_raw_pb(curve.SerializeToString())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the epoch's figures; TensorBoard sees them at once."""
        super().on_epoch_end(epoch + 1, logs)
        self._train_writer.flush()
        self._val_writer.flush()
