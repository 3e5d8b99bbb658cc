"""Epochs of steps on one or several replicas, with a clock on the input.

It gives the weights that `keras.Model.fit` gives. That one fails in Keras 3.12 on several machines
where a batch holds more than one tensor, and can't say how long a step waited for its batch.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
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
        batches: One epoch, of (inputs, truth); distributed by the same strategy.
        epochs: Epochs at the most.
        callbacks: As `keras.Model.fit` takes and calls them.

    Returns:
        Each figure's value per epoch: the network's loss and metrics, `input_wait_share`, and
        what the callbacks add.
    """
    strategy = model.distribute_strategy
    with strategy.scope():
        if not model.optimizer.built:
            # Inside a step each replica would make variables of its own.
            model.optimizer.build(model.trainable_variables)
    step = _compiled_step(model, strategy, batches.element_spec)
    history = keras.callbacks.History()
    called = keras.callbacks.CallbackList([*callbacks, history], model=model, epochs=epochs)
    model.stop_training = False
    called.on_train_begin()
    figures: Logs = {}
    for epoch in range(epochs):
        model.reset_metrics()
        called.on_epoch_begin(epoch)
        share = _run_epoch(step, batches, called)
        _count_the_end(model)
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


def _run_epoch(
    step: Callable[[Any], Logs], batches: Iterable[Any], called: keras.callbacks.CallbackList
) -> float:
    """Makes a step of every batch; returns the share of the time spent waiting for them."""
    began = time.perf_counter()
    waited = 0.0
    iterator = iter(batches)
    for number in itertools.count():
        asked = time.perf_counter()
        batch = next(iterator, None)
        waited += time.perf_counter() - asked
        if batch is None:
            return waited / (time.perf_counter() - began)
        called.on_train_batch_begin(number)
        # Whoever reads the figures of a step waits for the device to come to its end.
        called.on_train_batch_end(number, step(batch))
    raise AssertionError("counting has no end")


def _count_the_end(model: keras.Model) -> None:
    """Moves on what does not need a batch, as Keras's fit does at the end of a dataset.

    Its step reads the batch itself: when there is none, the count of steps and the seeds of the
    dropout have already moved on. So this loop gives the same weights, to the bit.
    """
    model.optimizer.iterations.assign_add(1)
    for layer in model.layers:
        seeds = getattr(layer, "seed_generator", None)
        if seeds is not None:
            seeds.next()


def _compiled_step(
    model: keras.Model, strategy: tf.distribute.Strategy, batch_spec: Any
) -> Callable[[Any], Logs]:
    """Returns the function from a batch to the figures so far, traced once for all shapes."""

    @tf.function(input_signature=[batch_spec], autograph=False, jit_compile=False)
    def step(batch: Any) -> Logs:
        figures = strategy.run(model.train_step, args=(batch,))
        return {
            name: tf.reduce_mean(tf.stack(strategy.experimental_local_results(value)))
            for name, value in figures.items()
        }

    # Now, so that no clock counts it.
    compiled: Callable[[Any], Logs] = step.get_concrete_function()
    return compiled
