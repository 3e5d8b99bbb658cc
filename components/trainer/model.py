"""The network: a sparse first layer, dense ones after it, one logit per label."""

from __future__ import annotations

import math
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from components.trainer.int8_dense import Int8SparseDense
from components.trainer.loss import MemberCrossentropy, binary_accuracy, prior_logits
from components.trainer.optimizers import ExactAdam, LazyRms
from components.trainer.precision import Precision, SparseLossScale
from components.trainer.settings import TrainerSettings
from components.trainer.sparse_dense import SparseDense
from schema import names

FIRST_LAYER: Final = "hidden_1"

# Keras's default.
_EPSILON: Final = 1e-7


def build_model(
    vocabulary_size: int,
    label_count: int,
    settings: TrainerSettings,
    label_counts: NDArray[np.int64] | None = None,
    papers: int = 0,
    precision: Precision = "float32",
    first_layer: type[SparseDense] = SparseDense,
) -> keras.Model:
    """Builds the network, not compiled.

    The output is logits, not probabilities: cross-entropy from logits stays precise where a sigmoid
    rounds to 0 or 1. The exported model applies the sigmoid.

    Args:
        vocabulary_size: V, rows of the first layer's kernel.
        label_count: L, labels of the vocabulary.
        settings: Ensemble size, hidden layers, dropout, initial biases, and the seed of the
            initial weights and the dropout.
        label_counts: Training papers of each label, [L]; without them biases start at zero.
        papers: All training papers.
        precision: Of the hidden layers; weights and logits are always float32.
        first_layer: The layer on the sparse input.

    Returns:
        A functional model from {ids: int32 [n, m], weights: float32 [n, m]}, as
        `SparseDense` reads them, to logits, float32 [n, L], or [n, members, L] for an
        ensemble.
    """
    ids = keras.Input(shape=(None,), dtype="int32", name=names.MODEL_IDS)
    weights = keras.Input(shape=(None,), dtype="float32", name=names.MODEL_WEIGHTS)
    seed, width = settings.seed, settings.hidden_units[0]
    # One kernel for all members: every row that a batch uses is gathered once.
    hidden = first_layer(
        vocabulary_size,
        settings.ensemble_size * width,
        activation="relu",
        kernel_initializer=_Glorot(vocabulary_size, width, seed),
        dtype=precision,
        name=FIRST_LAYER,
    )(ids, weights)
    hidden = keras.layers.Dropout(settings.dropout, seed=seed, dtype=precision, name="dropout_1")(
        hidden
    )
    bias = keras.initializers.Zeros()
    if settings.output_bias_init == "prior" and label_counts is not None:
        bias = keras.initializers.Constant(prior_logits(label_counts, papers))
    if settings.ensemble_size == 1:
        logits = _upper_layers(hidden, label_count, settings, bias, 0, precision)
    else:
        parts = keras.layers.Reshape(
            (settings.ensemble_size, width), dtype=precision, name="members"
        )(hidden)
        logits = keras.ops.stack(
            [
                _upper_layers(parts[:, member], label_count, settings, bias, member, precision)
                for member in range(settings.ensemble_size)
            ],
            axis=1,
        )
    return keras.Model(
        inputs={names.MODEL_IDS: ids, names.MODEL_WEIGHTS: weights}, outputs=logits, name="tagger"
    )


def build_served_model(
    vocabulary_size: int, label_count: int, settings: TrainerSettings
) -> keras.Model:
    """Builds the network that is validated and exported: on one device, in float32 or int8."""
    layer = Int8SparseDense if settings.first_layer_dtype == "int8" else SparseDense
    return build_model(vocabulary_size, label_count, settings, first_layer=layer)


def copy_weights(trained: keras.Model, served: keras.Model) -> None:
    """Gives a network of `build_served_model` the weights of a trained one."""
    for source, target in zip(trained.layers, served.layers, strict=True):
        if isinstance(target, Int8SparseDense):
            target.copy_quantized(source)
        else:
            target.set_weights(source.get_weights())


def _upper_layers(
    hidden: keras.KerasTensor,
    label_count: int,
    settings: TrainerSettings,
    bias: keras.initializers.Initializer,
    member: int,
    precision: Precision,
) -> keras.KerasTensor:
    """Returns one member's logits, [n, L], from the output of its first layer."""
    suffix = f"_of_{member + 1}" if settings.ensemble_size > 1 else ""
    # No two layers start equal, or the members would learn the same.
    seed = settings.seed + member * (len(settings.hidden_units) + 1)
    for depth, units in enumerate(settings.hidden_units[1:], start=2):
        hidden = keras.layers.Dense(
            units,
            activation="relu",
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed + depth),
            dtype=precision,
            name=f"hidden_{depth}{suffix}",
        )(hidden)
        hidden = keras.layers.Dropout(
            settings.dropout, seed=seed + depth, dtype=precision, name=f"dropout_{depth}{suffix}"
        )(hidden)
    return keras.layers.Dense(
        label_count,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1),
        bias_initializer=bias,
        dtype="float32",
        name=f"logits{suffix}",
    )(hidden)


def member_layers(model: keras.Model) -> list[list[keras.layers.Dense]]:
    """Returns the dense layers of each member, from the one on top of the first layer to logits."""
    layers: dict[str, list[keras.layers.Dense]] = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layers.setdefault(layer.name.partition("_of_")[2], []).append(layer)
    return [layers[member] for member in sorted(layers, key=lambda member: int(member or 1))]


class _Glorot(keras.initializers.Initializer):
    """Glorot's uniform initializer for one member, whose kernel may be part of a wider one.

    NumPy draws in place. Keras's initializers make three tensors of the kernel's size, and
    TensorFlow keeps what it has once allocated: half a gigabyte more until the process ends.
    """

    def __init__(self, inputs: int, outputs: int, seed: int) -> None:
        self._limit = math.sqrt(6.0 / (inputs + outputs))
        self._seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> NDArray[np.float32]:
        values = np.random.default_rng(self._seed).random(shape, np.float32)
        values *= 2 * self._limit
        values -= self._limit
        return values.astype(dtype or np.float32, copy=False)


def make_optimizer(
    settings: TrainerSettings, steps_per_epoch: int, precision: Precision = "float32"
) -> keras.optimizers.Optimizer:
    """Returns the optimizer with its learning rate over the whole training.

    Args:
        settings: Optimizer, learning rate, its schedule, and epochs.
        steps_per_epoch: Steps of one epoch; a linear schedule reaches zero after the last epoch.
        precision: Of the network; float16 needs loss scaling.
    """
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.learning_rate
    if settings.lr_schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(
            initial_learning_rate=settings.learning_rate,
            decay_steps=max(1, settings.epochs * steps_per_epoch),
            end_learning_rate=0.0,
            power=1.0,
        )
    kind = LazyRms if settings.optimizer == "lazy_rms" else ExactAdam
    # The loss is the members' mean, so each member's gradient is that much smaller than alone; with
    # an epsilon as much smaller, Adam moves it as it would alone.
    optimizer = kind(learning_rate=rate, epsilon=_EPSILON / settings.ensemble_size)
    return SparseLossScale(optimizer) if precision == "mixed_float16" else optimizer


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    label_weights: NDArray[np.float32] | None = None,
) -> None:
    """Compiles the network with binary cross-entropy and the metric `binary_accuracy`.

    XLA stays off: it can't compile the product of a sparse and a dense matrix.

    Args:
        model: Of `build_model`.
        optimizer: Of `make_optimizer`.
        label_weights: Of `positive_weights`, [L]; None means 1 for all.
    """
    model.compile(
        optimizer=optimizer,
        loss=MemberCrossentropy(label_weights),
        metrics=[keras.metrics.MeanMetricWrapper(binary_accuracy, name="binary_accuracy")],
        jit_compile=False,
    )
