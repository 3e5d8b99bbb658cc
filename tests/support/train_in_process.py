"""Trains small networks in a process of its own and saves their weights.

Usage: python -m tests.support.train_in_process FOLDER JOB...

A job is NAME:OPTIMIZER:SEED:REPLICAS:PRECISION, and its results go to FOLDER/NAME. Where a job
has two replicas, the process gets two logical processors.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from components.trainer.input_pipeline import make_dataset
from components.trainer.model import (
    build_model,
    build_served_model,
    compile_model,
    copy_weights,
    make_optimizer,
)
from components.trainer.precision import Precision
from components.trainer.settings import TrainerSettings
from components.trainer.train import make_reproducible, train
from components.trainer.training_loop import run_epochs
from components.trainer.validation import Predictor
from tests.support.trainer_papers import LABELS, VOCABULARY, feature_spec, random_papers, write

BATCH, STEPS = 16, 6
CHECKPOINT, ANSWERS, AFTER, WEIGHTS = "checkpoint", "answers.npy", "after.npz", "weights.npz"
SERVED = "served.npz"


def network(optimizer: str, precision: Precision, seed: int, dropout: float) -> keras.Model:
    """A network of two members, compiled; to be called in the scope of its strategy."""
    settings = network_settings(optimizer, seed, dropout)
    model = build_model(VOCABULARY, LABELS, settings, precision=precision)
    compile_model(model, make_optimizer(settings, STEPS, precision))
    model.optimizer.build(model.trainable_variables)
    return model


def network_settings(optimizer: str, seed: int, dropout: float) -> TrainerSettings:
    """Settings of these networks."""
    return TrainerSettings(
        hidden_units=(16, 8),
        ensemble_size=2,
        dropout=dropout,
        optimizer=optimizer,
        batch_size=BATCH,
        epochs=3,
        patience=2,
        seed=seed,
    )


def in_8_bits(model: keras.Model) -> keras.Model:
    """The network as it would be served with a kernel of 8 bits."""
    settings = network_settings("lazy_rms", 0, 0.0).model_copy(update={"first_layer_dtype": "int8"})
    served = build_served_model(VOCABULARY, LABELS, settings)
    copy_weights(model, served)
    return served


def batches(folder: Path, batch_size: int = BATCH, shuffle: bool = True) -> tf.data.Dataset:
    """One epoch for one replica."""
    path = str(folder / "train.tfrecord")
    return make_dataset(path, feature_spec(), batch_size, shuffle=shuffle, seed=5)


def validation(folder: Path) -> tf.data.Dataset:
    """The validation papers."""
    path = str(folder / "val.tfrecord")
    return make_dataset(path, feature_spec(), BATCH, shuffle=False, seed=0, include_unknown=True)


def run(
    folder: Path,
    optimizer: str,
    seed: int,
    strategy: tf.distribute.Strategy | None,
    precision: Precision,
) -> None:
    """Trains once; jobs with a given strategy differ by it alone."""
    folder.mkdir(parents=True)
    make_reproducible(seed)
    write(random_papers(STEPS * BATCH, seed=1), str(folder / "train.tfrecord"))
    write(random_papers(40, seed=2), str(folder / "val.tfrecord"))
    # Every replica draws its own dropout.
    dropout = 0.3 if strategy is None else 0.0
    scope = strategy or tf.distribute.get_strategy()
    each = BATCH // scope.num_replicas_in_sync
    with scope.scope():
        model = network(optimizer, precision, seed, dropout)
    train(
        model,
        scope.distribute_datasets_from_function(lambda _: batches(folder, each)),
        validation(folder),
        network_settings(optimizer, seed, dropout),
        str(folder),
        steps_per_epoch=STEPS,
    )
    np.savez(folder / WEIGHTS, *model.get_weights())
    np.save(folder / ANSWERS, Predictor(model, validation(folder)).predict().logits)
    np.savez(folder / SERVED, *in_8_bits(model).get_weights())
    checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    checkpoint.write(str(folder / CHECKPOINT))
    in_order = scope.distribute_datasets_from_function(lambda _: batches(folder, each, False))
    run_epochs(model, in_order, 1, [])
    np.savez(folder / AFTER, *model.get_weights())


def main(folder: Path, jobs: list[list[str]]) -> None:
    """Runs the jobs one after the other."""
    strategies = {"0": None, "1": tf.distribute.get_strategy()}
    if any(replicas == "2" for _, _, _, replicas, _ in jobs):
        cpu = tf.config.list_physical_devices("CPU")[0]
        logical = [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
        tf.config.set_logical_device_configuration(cpu, logical)
        strategies["2"] = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for name, optimizer, seed, replicas, precision in jobs:
        run(folder / name, optimizer, int(seed), strategies[replicas], precision)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [job.split(":") for job in sys.argv[2:]])
