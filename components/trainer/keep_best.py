"""Early stopping that keeps the weights which will be served, not those that are trained."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


class KeepBest(keras.callbacks.Callback):
    """Stops after epochs without a better figure, and puts the best epoch's weights back.

    As `keras.callbacks.EarlyStopping(restore_best_weights=True)`, but the weights are those of a
    network of its own: what is served may be a quarter of the size of what is trained, and the
    copy is the largest thing that training holds beside its own variables. Nothing is put back
    where the last epoch is the best. Comes after the callbacks that add figures.

    Args:
        network: Holds the weights to keep at each epoch's end, and the best ones at last.
        monitor: The figure; higher is better. The first of equal ones counts.
        patience: Epochs without a better one before training stops.
    """

    def __init__(self, network: keras.Model, monitor: str, patience: int) -> None:
        super().__init__()
        self._network = network
        self._monitor = monitor
        self._patience = patience
        self._best = -np.inf
        self._since_best = 0
        self._weights: list[NDArray[Any]] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keeps the weights of a better epoch, or counts one that is not."""
        if logs[self._monitor] > self._best:
            self._best = logs[self._monitor]
            self._since_best = 0
            # First of all, so that no two copies are held.
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
