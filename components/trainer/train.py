"""One training: epochs with validation, early stopping, logs, and the tuned threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf
from absl import logging

from components.labels.thresholds import half_of_best_f1
from components.trainer.callbacks import EARLY_STOPPING_FIGURE, EpochLog, KeepBest, Validate
from components.trainer.settings import TrainerSettings
from components.trainer.tensorboard import TensorBoardLog
from components.trainer.training_loop import run_epochs
from components.trainer.validation import Predictor
from schema import names


@dataclass(frozen=True)
class TrainingResult:
    """What a training did; the weights it kept are in the network that is served.

    Attributes:
        history: Each figure's value per epoch: loss, binary_accuracy, input_wait_share,
            val_loss, val_binary_accuracy, val_lrap, val_micro_f1, val_ndcg@5 and val_threshold.
        kept_epoch: The epoch, from 1, whose weights were kept: the one with the highest LRAP on
            validation, or the last one if early stopping is off.
        threshold: The minimum probability to suggest a label.
    """

    history: dict[str, list[float]]
    kept_epoch: int
    threshold: float


def make_reproducible(seed: int) -> None:
    """Makes this process compute equal weights from equal input, on the same machine.

    Seeds Python, numpy, TensorFlow and Keras, and makes TensorFlow use deterministic kernels until
    the process ends. Call it before the network is built. On a GPU it only sets the seeds, so
    equal trainings differ by rounding.
    """
    keras.utils.set_random_seed(seed)
    # On a GPU TensorFlow 2.16 has no deterministic product of a sparse and a dense matrix, which
    # the first layer is, and would copy a whole variable for each update of some of its rows.
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


def train(
    model: keras.Model,
    train_dataset: tf.data.Dataset | tf.distribute.DistributedDataset,
    validation_dataset: tf.data.Dataset,
    settings: TrainerSettings,
    log_dir: str,
    *,
    steps_per_epoch: int,
    served: keras.Model | None = None,
    labels: Sequence[str] = (),
) -> TrainingResult:
    """Trains the network and leaves the kept weights in the one that is served.

    The validation split is scored after each epoch. With `settings.patience`, training stops
    after so many epochs without a better LRAP, and the best epoch's weights are kept, even if all
    epochs ran. Without it the last weights are kept.

    Args:
        model: The compiled network.
        train_dataset: Batches of one epoch, as `make_dataset(shuffle=True)` gives them,
            distributed by the network's strategy.
        validation_dataset: Of `make_dataset(shuffle=False, include_unknown=True)`.
        settings: Epochs, patience and the rule for the threshold.
        log_dir: Folder for `epochs.jsonl`, `model_summary.txt` and TensorBoard's event files.
        steps_per_epoch: Batches of `train_dataset`; only shown.
        served: The network that is validated and gets the kept weights: one of
            `build_served_model`, or None if it is the trained one.
        labels: The vocabulary of labels, for TensorBoard.

    Raises:
        UsageError: Training diverged.
        BadInputError: The validation split is empty.
    """
    _log_summary(model, log_dir)
    validated = served or model
    predictor = Predictor(validated, validation_dataset)
    log = EpochLog(log_dir, steps_per_epoch)
    board = TensorBoardLog(log_dir, labels, predictor)
    callbacks = [Validate(predictor, served, board.write_curves), board, log]
    if settings.patience is not None:
        callbacks.append(KeepBest(validated, settings.patience))
    try:
        history = run_epochs(model, train_dataset, settings.epochs, callbacks)
    finally:
        log.close()
    watched = history[EARLY_STOPPING_FIGURE]
    kept = len(watched) if settings.patience is None else watched.index(max(watched)) + 1
    threshold = history["val_threshold"][kept - 1]
    if settings.thresholds == "half_f1":
        threshold = half_of_best_f1(history["val_micro_f1"][kept - 1])
    return TrainingResult(history, kept_epoch=kept, threshold=threshold)


def _log_summary(model: keras.Model, log_dir: str) -> None:
    """Tells the layers of a network and their parameters in the log, and keeps them in a file."""
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    summary = "\n".join(lines)
    logging.info("%s", summary)
    tf.io.gfile.makedirs(log_dir)
    with tf.io.gfile.GFile(f"{log_dir}/{names.MODEL_SUMMARY_FILE}", "w") as file:
        file.write(summary)
