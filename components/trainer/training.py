"""A training: epochs, validation after each, early stopping, logs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.labels.threshold_choice import LabelThresholds, choose_thresholds
from components.trainer.epoch_log import EpochLog
from components.trainer.keep_best import KeepBest
from components.trainer.model import copy_weights
from components.trainer.settings import TrainerSettings
from components.trainer.strategy import agree
from components.trainer.training_loop import run_epochs
from components.trainer.validation import FIGURES, Predictor, validation_figures
from schema.errors import UsageError


@dataclass(frozen=True)
class TrainingResult:
    """What a training did; the weights it kept are in the network that is served.

    Attributes:
        history: Each figure's value per epoch: loss, binary_accuracy, input_wait_share,
            val_loss, val_binary_accuracy, val_lrap, val_micro_f1, val_ndcg@5 and val_threshold.
        best_epoch: The epoch, from 1, with the highest monitored figure.
        kept_epoch: The epoch, from 1, whose weights were kept: the best one, or the last
            one where early stopping is off.
        label_thresholds: The threshold of each label, and where they come from.
    """

    history: dict[str, list[float]]
    best_epoch: int
    kept_epoch: int
    label_thresholds: LabelThresholds

    @property
    def threshold(self) -> float:
        """The threshold that all labels share; the best cut where each has its own."""
        return self.label_thresholds.threshold

    @property
    def thresholds(self) -> NDArray[np.float32]:
        """The threshold of each label, float32 [L]."""
        return self.label_thresholds.values


def make_reproducible(seed: int) -> None:
    """Makes this process compute equal weights from equal input, on the same machine.

    Seeds Python, numpy, TensorFlow and Keras, and has TensorFlow use deterministic kernels. It
    holds until the process ends; call it before the network is built. With a GPU the seeds alone
    are set, and equal trainings differ by rounding.
    """
    keras.utils.set_random_seed(seed)
    # On a GPU TensorFlow 2.16 has no deterministic product of a sparse and a dense matrix, which
    # the first layer is, and would copy a whole variable for each update of some of its rows.
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


def train(
    model: keras.Model,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    settings: TrainerSettings,
    log_dir: str,
    *,
    steps_per_epoch: int,
    served: keras.Model | None = None,
) -> TrainingResult:
    """Trains the network and leaves the kept weights in the one that is served.

    After each epoch the validation split is scored. With `settings.patience` training stops
    after so many epochs without a better `settings.monitor`, and the best epoch's weights are
    kept, also where all epochs ran. Without it the last weights are kept.

    Args:
        model: The compiled network.
        train_dataset: Batches of one epoch, as `make_dataset(shuffle=True)` gives them,
            distributed by the network's strategy.
        validation_dataset: Of `make_dataset(shuffle=False, include_unknown=True)`.
        settings: Epochs, patience and monitor.
        log_dir: Folder for `epochs.jsonl` and TensorBoard's event files.
        steps_per_epoch: Batches of `train_dataset`; only shown.
        served: The network that is validated and gets the kept weights: one of
            `build_served_model`. None where it is the trained one.

    Raises:
        UsageError: The loss is no number any more.
        BadInputError: The validation split is empty.
    """
    log = EpochLog(log_dir, settings.epochs, steps_per_epoch)
    judged = served or model
    predictor = Predictor(judged, validation_dataset)
    callbacks: list[keras.callbacks.Callback] = [
        _Validate(predictor, served),
        keras.callbacks.TensorBoard(log_dir=log_dir, write_graph=False, profile_batch=0),
        log,
    ]
    if settings.patience is not None:
        callbacks.append(KeepBest(judged, settings.monitor, settings.patience))
    try:
        history = run_epochs(model, train_dataset, settings.epochs, callbacks)
    finally:
        log.close()
    monitored = history[settings.monitor]
    best = monitored.index(max(monitored)) + 1
    kept = len(monitored) if settings.patience is None else best
    best_cut = history["val_threshold"][kept - 1]
    # Of the kept weights, which early stopping may have put back.
    predictions = predictor.predict()
    return TrainingResult(
        history=history,
        best_epoch=best,
        kept_epoch=kept,
        label_thresholds=choose_thresholds(
            predictions.y_true,
            predictions.probabilities,
            predictions.unknown,
            best_cut,
            settings.thresholds,
            settings.threshold_shrinkage,
            settings.seed,
        ),
    )


class _Validate(keras.callbacks.Callback):
    """Adds the validation split's figures to each epoch's, for the callbacks after it."""

    def __init__(self, predictor: Predictor, served: keras.Model | None) -> None:
        super().__init__()
        self._predictor = predictor
        self._served = served

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Scores the validation split, by the network that is served."""
        if self._served is not None:
            copy_weights(self.model, self._served)
        mine = validation_figures(self._predictor.predict())
        named = {name: mine.get(name, math.nan) for name in FIGURES}
        logs.update(agree(self.model.distribute_strategy, named))
        if not (math.isfinite(logs["loss"]) and math.isfinite(logs["val_loss"])):
            raise UsageError(
                f"training diverged in epoch {epoch + 1}: the loss is no number any more. "
                "Lower trainer.learning_rate"
            )
