"""Early stopping, the progress file and TensorBoard's steps, one callback at a time."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer import callbacks, tensorboard
from components.trainer.callbacks import EpochLog, KeepBest
from components.trainer.tensorboard import TensorBoardLog
from schema import names


@pytest.mark.parametrize(
    ("patience", "scores", "epochs_run", "kept"),
    [
        (2, [0.5, 0.9, 0.7, 0.6], 4, 2),
        (1, [0.5, 0.9, 0.7, 0.95], 3, 2),
        # All epochs run, and the best one is still kept.
        (3, [0.5, 0.9, 0.7, 0.6], 4, 2),
        (1, [0.9, 0.8, 0.7, 0.6], 2, 1),
        # Ties go to the first.
        (2, [0.5, 0.9, 0.9, 0.6], 4, 2),
        # The last is the best: nothing is put back.
        (2, [0.5, 0.9, 0.7, 0.95], 4, 4),
    ],
)
def test_training_stops_early_and_the_best_weights_return(patience, scores, epochs_run, kept):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    network.stop_training = False
    callback = KeepBest(network, patience)
    callback.set_params({"epochs": len(scores)})
    callback.set_model(network)
    ran = 0
    for epoch, score in enumerate(scores):
        network.set_weights([np.full((1, 1), epoch + 1)])
        callback.on_epoch_end(epoch, {"val_lrap": score})
        ran += 1
        if network.stop_training:
            break
    callback.on_train_end()
    assert ran == epochs_run
    assert network.get_weights()[0].item() == kept


def written_steps(monkeypatch, log_dir, seconds, steps):
    """Runs the second epoch of three on a clock of its own; returns the lines of the file."""
    clock = [100.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: clock[0])
    path = f"{log_dir}/{names.EPOCHS_FILE}"
    log = EpochLog(f"{log_dir}/", steps)
    log.set_params({"epochs": 3})
    log.on_train_begin()
    log.on_epoch_begin(1)
    for step in range(steps):
        clock[0] += seconds
        log.on_train_batch_end(step, {"loss": np.float32(step)})
    if "://" not in log_dir:
        # Flushed at once: a reader sees it while the file is open.
        with tf.io.gfile.GFile(path) as file:
            assert file.read().endswith("\n")
    log.on_epoch_end(1, {"loss": 7.0})
    log.close()
    with tf.io.gfile.GFile(path) as file:
        return [json.loads(line) for line in file.read().splitlines()]


def test_long_epochs_show_progress_at_most_twice_a_second(monkeypatch, tmp_path):
    written = written_steps(monkeypatch, str(tmp_path), seconds=0.125, steps=20)
    assert written[0] == {
        "epoch": 2, "epochs": 3, "step": 4, "steps": 20, "seconds": 0.5, "loss": 3.0,
    }  # fmt: skip
    assert [line.get("step") for line in written] == [4, 8, 12, 16, 20, None]
    assert written[-1] == {"epoch": 2, "epochs": 3, "seconds": 2.5, "loss": 7.0}


def test_remote_storage_is_written_to_less_often(monkeypatch):
    written = written_steps(monkeypatch, "ram://progress", seconds=0.5, steps=60)
    assert [line.get("step") for line in written] == [20, 40, 60, None]


def test_tensorboard_gets_a_step_at_most_twice_a_second(monkeypatch, tmp_path):
    clock = [100.0]
    # The libraries keep theirs.
    monkeypatch.setattr(tensorboard, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    board = TensorBoardLog(str(tmp_path), [], predictor=None)
    board.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    board.model.compile("sgd")
    for step in range(20):
        board.on_train_batch_end(step, {"loss": np.float32(step)})
        clock[0] += 0.125
    board.on_train_end()
    (file,) = tmp_path.glob("train/events*")
    events = tf.compat.v1.train.summary_iterator(str(file))
    assert sorted({each.step for each in events if each.summary.value}) == [1, 5, 9, 13, 17]
