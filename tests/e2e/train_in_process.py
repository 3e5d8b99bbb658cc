"""Trains small networks in a process of its own and saves their weights.

Usage: python -m tests.unit.trainer.train_in_process FOLDER JOB...

A job is NAME:OPTIMIZER:SEED:REPLICAS, and its results go to FOLDER/NAME. Where a job has two
replicas, the process gets two logical processors.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.trainer.input_pipeline import make_dataset
from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.settings import TrainerSettings
from components.trainer.training import make_reproducible, train
from tests.unit.trainer.papers import LABELS, VOCABULARY, feature_spec, random_papers, write

BATCH, STEPS = 16, 6


def run(folder: Path, optimizer: str, seed: int, strategy: tf.distribute.Strategy | None) -> None:
    """Trains once; jobs with a given strategy differ by it alone."""
    folder.mkdir(parents=True)
    make_reproducible(seed)
    settings = TrainerSettings(
        hidden_units=(16, 8),
        # Every replica draws its own dropout, and Keras starts the order of the papers one
        # epoch later where there are several.
        dropout=0.3 if strategy is None else 0.0,
        optimizer=optimizer,
        batch_size=BATCH,
        epochs=3,
        patience=2,
        seed=seed,
    )
    spec = feature_spec()
    train_file = write(random_papers(STEPS * BATCH, seed=1), str(folder / "train.gz"))
    val_file = write(random_papers(40, seed=2), str(folder / "val.gz"))
    with (strategy or tf.distribute.get_strategy()).scope():
        model = build_model(VOCABULARY, LABELS, settings)
        compile_model(model, make_optimizer(settings, STEPS))
    train(
        model,
        make_dataset(train_file, spec, BATCH, shuffle=strategy is None, seed=seed),
        make_dataset(val_file, spec, BATCH, shuffle=False, seed=0, include_unknown=True),
        settings,
        str(folder),
        steps_per_epoch=STEPS,
    )
    np.savez(folder / "weights.npz", *model.get_weights())


def main(folder: Path, jobs: list[list[str]]) -> None:
    """Runs the jobs one after the other."""
    strategies = {"0": None, "1": tf.distribute.get_strategy()}
    if any(replicas == "2" for *_, replicas in jobs):
        cpu = tf.config.list_physical_devices("CPU")[0]
        logical = [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
        tf.config.set_logical_device_configuration(cpu, logical)
        strategies["2"] = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for name, optimizer, seed, replicas in jobs:
        run(folder / name, optimizer, int(seed), strategies[replicas])


if __name__ == "__main__":
    main(Path(sys.argv[1]), [job.split(":") for job in sys.argv[2:]])
