"""Epochs of steps on one or several replicas, timing the wait for input.

It gives the weights that `keras.Model.fit` gives. Up to Keras 3.15 `fit` fails on several machines,
and it can't say how long a step waited for its batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from schema import names

Logs = dict[str, Any]


def run_epochs(
    model: keras.Model,
    batches: tf.data.Dataset | tf.distribute.DistributedDataset,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> dict[str, list[float]]:
    """Trains a network until the last epoch, or until a callback sets `model.stop_training`.

    Args:
        model: The compiled network, built in the scope of its strategy.
        batches: One epoch of (inputs, truth), distributed by the same strategy.
        epochs: The most epochs.
        callbacks: As `keras.Model.fit` takes and calls them.

    Returns:
        Each figure's value per epoch: the network's loss and metrics, `input_wait_share`, and
        what the callbacks add.
    """
    with model.distribute_strategy.scope():
        if not model.optimizer.built:
            # Inside a step each replica would make variables of its own.
            model.optimizer.build(model.trainable_variables)
    step = _compile_step(model, batches.element_spec)
    history = keras.callbacks.History()
    called = keras.callbacks.CallbackList([*callbacks, history], model=model, epochs=epochs)
    model.stop_training = False
    called.on_train_begin()
    figures: Logs = {}
    for epoch in range(epochs):
        model.reset_metrics()
        called.on_epoch_begin(epoch)
        began = time.perf_counter()
        timed = _TimedBatches(batches)
        for number, batch in enumerate(timed):
            called.on_train_batch_begin(number)
            # Whoever reads the figures of a step waits for the device to finish it.
            figures = step(batch)
            share = timed.waited / (time.perf_counter() - began)
            called.on_train_batch_end(number, {**figures, names.INPUT_WAIT_SHARE: share})
        share = timed.waited / (time.perf_counter() - began)
        _finish_epoch(model)
        figures = {name: float(value) for name, value in model.get_metrics_result().items()}
        figures[names.INPUT_WAIT_SHARE] = share
        logging.info(
            "Epoch %d: %.1f %% of the time was spent waiting for input", epoch + 1, 100 * share
        )
        called.on_epoch_end(epoch, figures)
        if model.stop_training:
            break
    called.on_train_end(figures)
    return {name: [float(v) for v in values] for name, values in history.history.items()}


class _TimedBatches:
    """The batches of one epoch, and the seconds spent waiting for them."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self._batches = batches
        self.waited = 0.0

    def __iter__(self) -> Iterator[Any]:
        iterator = iter(self._batches)
        while True:
            asked = time.perf_counter()
            batch = next(iterator, None)
            self.waited += time.perf_counter() - asked
            if batch is None:
                return
            yield batch


def _finish_epoch(model: keras.Model) -> None:
    """Counts one more step, as Keras's fit does at the end of a dataset.

    Its step reads the batch itself: by the time it finds none, the count of steps and the dropout
    seeds have already moved on. With this, the weights are the same to the bit.
    """
    model.optimizer.iterations.assign_add(1)
    for layer in model.layers:
        seeds = getattr(layer, "seed_generator", None)
        if seeds is not None:
            seeds.next()


def _compile_step(model: keras.Model, batch_spec: Any) -> Callable[[Any], Logs]:
    """Returns the function from a batch to the figures so far, traced once for all shapes."""
    strategy = model.distribute_strategy

    @tf.function(input_signature=[batch_spec], autograph=False, jit_compile=False)
    def step(batch: Any) -> Logs:
        figures = strategy.run(model.train_step, args=(batch,))
        return {
            name: tf.reduce_mean(tf.stack(strategy.experimental_local_results(value)))
            for name, value in figures.items()
        }

    # Traced now, so that no clock counts it.
    compiled: Callable[[Any], Logs] = step.get_concrete_function()
    return compiled
