"""Which devices train."""

import math

import pytest
import tensorflow as tf
from absl import logging

from components.trainer.cluster import Cluster
from components.trainer.strategy import agree, pick_strategy, wait_for_all


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
    strategy = pick_strategy()
    assert isinstance(strategy, kind)
    assert grown == [(f"GPU:{i}", True) for i in range(gpus)]


@pytest.mark.parametrize("gpus", [0, 2])
def test_a_cluster_trains_with_the_gpus_of_every_machine(machine, monkeypatch, gpus):
    grown = machine(gpus)
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda resolver: resolver)
    resolver = pick_strategy(Cluster({"worker": ["a:1", "b:1"]}, "worker", 1))
    assert resolver.task_id == 1
    assert resolver.num_accelerators() == {"GPU": gpus}
    assert len(grown) == gpus


def test_memory_that_is_already_taken_is_told_of(machine, monkeypatch):
    machine(gpus=1)

    def too_late(gpu, on):
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    told = []
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", too_late)
    monkeypatch.setattr(logging, "warning", lambda text, *values: told.append(text % values))
    assert isinstance(pick_strategy(), tf.distribute.OneDeviceStrategy)
    assert len(told) == 1
    assert "GPU:0" in told[0]
    assert "after being initialized" in told[0]


def test_one_machine_agrees_with_itself():
    figures = {"b": 1 / 3, "a": math.inf}
    assert agree(tf.distribute.get_strategy(), figures) == figures
    wait_for_all(tf.distribute.get_strategy())
