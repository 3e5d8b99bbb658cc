"""Which devices train."""

import math

import pytest
import tensorflow as tf
from absl import logging

from components.trainer.strategy import broadcast_metrics, pick_strategy, wait_for_all


@pytest.fixture
def machine(monkeypatch):
    """Gives this machine GPUs; returns those whose memory grows."""
    grown = []

    def have(gpus):
        devices = [f"GPU:{i}" for i in range(gpus)]
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: devices)
        monkeypatch.setattr(
            tf.config.experimental, "set_memory_growth", lambda gpu, on: grown.append((gpu, on))
        )
        return grown

    return have


def test_without_a_gpu_the_default_strategy_trains(machine):
    machine(gpus=0)
    assert pick_strategy() is tf.distribute.get_strategy()


@pytest.mark.parametrize(
    ("gpus", "kind"),
    [(1, tf.distribute.OneDeviceStrategy), (3, tf.distribute.MirroredStrategy)],
)
def test_gpus_train_with_memory_growth(machine, gpus, kind):
    grown = machine(gpus)
    assert isinstance(pick_strategy(), kind)
    assert grown == [(f"GPU:{i}", True) for i in range(gpus)]


def test_several_machines_train_by_tf_config(machine, monkeypatch):
    grown = machine(gpus=2)
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: "all of them")
    assert pick_strategy(several_machines=True) == "all of them"
    assert len(grown) == 2


def test_memory_that_is_already_taken_causes_a_warning(machine, monkeypatch):
    machine(gpus=1)

    def too_late(gpu, on):
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    warnings = []
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", too_late)
    monkeypatch.setattr(logging, "warning", lambda text, *values: warnings.append(text % values))
    assert isinstance(pick_strategy(), tf.distribute.OneDeviceStrategy)
    (warning,) = warnings
    assert "GPU:0" in warning
    assert "after being initialized" in warning


def test_one_machine_shares_figures_with_itself():
    figures = {"b": 1 / 3, "a": math.inf}
    assert broadcast_metrics(tf.distribute.get_strategy(), figures) == figures
    wait_for_all(tf.distribute.get_strategy())
