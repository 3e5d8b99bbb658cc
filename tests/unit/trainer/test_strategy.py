"""Which devices train."""

import pytest
import tensorflow as tf

from components.trainer.strategy import pick_strategy


def test_without_a_gpu_the_default_strategy_trains(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert pick_strategy() is tf.distribute.get_strategy()


@pytest.mark.parametrize(
    ("gpus", "kind"),
    [(1, tf.distribute.OneDeviceStrategy), (3, tf.distribute.MirroredStrategy)],
)
def test_gpus_train_with_memory_growth(monkeypatch, gpus, kind):
    devices = [f"GPU:{i}" for i in range(gpus)]
    grown = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: devices)
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda gpu, on: grown.append((gpu, on))
    )
    assert isinstance(pick_strategy(), kind)
    assert grown == [(device, True) for device in devices]
