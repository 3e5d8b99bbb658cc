"""The network: a sparse first layer, dense ones after it, one logit per label."""

from __future__ import annotations

import keras

from components.trainer.lazy_adam import ExactAdam, LazyAdam
from components.trainer.settings import TrainerSettings
from components.trainer.sparse_dense import SparseDense
from schema import names


def build_model(vocabulary_size: int, label_count: int, settings: TrainerSettings) -> keras.Model:
    """Builds the network, not compiled.

    The output is logits, not probabilities: cross-entropy from logits keeps its precision where
    a sigmoid has long become 0 or 1. Whoever exports the model applies the sigmoid.

    Args:
        vocabulary_size: V, rows of the first layer's kernel.
        label_count: L, labels of the vocabulary.
        settings: Hidden layers, dropout, and the seed of the initial weights and the dropout.

    Returns:
        A functional model from {ids: int32 [n, m], weights: float32 [n, m]}, as
        `SparseDense` reads them, to logits, float32 [n, L].
    """
    ids = keras.Input(shape=(None,), dtype="int32", name=names.MODEL_IDS)
    weights = keras.Input(shape=(None,), dtype="float32", name=names.MODEL_WEIGHTS)
    seed = settings.seed
    hidden = SparseDense(
        vocabulary_size,
        settings.hidden_units[0],
        activation="relu",
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        name="hidden_1",
    )(ids, weights)
    hidden = keras.layers.Dropout(settings.dropout, seed=seed, name="dropout_1")(hidden)
    for depth, units in enumerate(settings.hidden_units[1:], start=2):
        hidden = keras.layers.Dense(
            units,
            activation="relu",
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed + depth),
            name=f"hidden_{depth}",
        )(hidden)
        hidden = keras.layers.Dropout(settings.dropout, seed=seed + depth, name=f"dropout_{depth}")(
            hidden
        )
    logits = keras.layers.Dense(
        label_count,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1),
        dtype="float32",
        name="logits",
    )(hidden)
    return keras.Model(
        inputs={names.MODEL_IDS: ids, names.MODEL_WEIGHTS: weights}, outputs=logits, name="tagger"
    )


def make_optimizer(settings: TrainerSettings, steps_per_epoch: int) -> keras.optimizers.Adam:
    """Returns the optimizer with its learning rate over the whole training.

    Args:
        settings: Optimizer, learning rate, decay and epochs.
        steps_per_epoch: Steps of one epoch; linear decay reaches zero after all epochs of them.
    """
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.learning_rate
    if settings.decay == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(
            initial_learning_rate=settings.learning_rate,
            decay_steps=max(1, settings.epochs * steps_per_epoch),
            end_learning_rate=0.0,
            power=1.0,
        )
    kind = LazyAdam if settings.optimizer == "lazy_adam" else ExactAdam
    return kind(learning_rate=rate)


def compile_model(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Compiles the network with binary cross-entropy and the metric `binary_accuracy`.

    XLA stays off: it can't compile the product of a sparse and a dense matrix.
    """
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[
            # A logit above 0 is a probability above one half.
            keras.metrics.MeanMetricWrapper(
                keras.metrics.binary_accuracy, name="binary_accuracy", threshold=0.0
            )
        ],
        jit_compile=False,
    )
