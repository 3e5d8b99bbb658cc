"""The training loop: the same weights as Keras's own loop, and the wait for input."""

import keras
import numpy as np
import pytest

from components.trainer import training_loop
from components.trainer.input_pipeline import make_dataset
from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.settings import TrainerSettings
from components.trainer.training_loop import run_epochs
from schema import names
from tests.support.trainer_papers import LABELS, VOCABULARY, feature_spec, random_papers, write

SHARE = names.INPUT_WAIT_SHARE


def compiled(**settings):
    settings = TrainerSettings(hidden_units=(12, 8), learning_rate=0.02, epochs=3, **settings)
    model = build_model(VOCABULARY, LABELS, settings)
    compile_model(model, make_optimizer(settings, steps_per_epoch=5))
    return model


def dataset(folder):
    path = write(random_papers(75, seed=1), str(folder / "train"))
    return make_dataset(path, feature_spec(), 16, shuffle=True, seed=0)


@pytest.mark.parametrize("optimizer", ["lazy_rms", "adam"])
@pytest.mark.parametrize("ensemble_size", [1, 2])
def test_training_equals_keras_fit_to_the_bit(tmp_path, optimizer, ensemble_size):
    """With dropout, a decaying rate, and a last batch of fewer papers."""
    settings = {
        "optimizer": optimizer,
        "ensemble_size": ensemble_size,
        "dropout": 0.4,
        "lr_schedule": "linear",
    }
    mine, expected = compiled(**settings), compiled(**settings)
    history = run_epochs(mine, dataset(tmp_path), 3, [])
    fitted = expected.fit(dataset(tmp_path), epochs=3, verbose=0)
    assert len(history.pop(SHARE)) == 3
    assert history == fitted.history
    for ours, theirs in zip(mine.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert mine.optimizer.iterations.numpy() == expected.optimizer.iterations.numpy()


class Calls(keras.callbacks.Callback):
    """Records its calls, and stops after the second epoch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(f"epoch {epoch}")

    def on_train_batch_end(self, batch, logs=None):
        assert set(logs) == {"loss", "binary_accuracy", SHARE}
        self.seen.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        logs["added"] = float(epoch)
        self.model.stop_training = epoch == 1

    def on_train_end(self, logs=None):
        self.seen.append("end")


def test_callbacks_are_called_as_by_keras_and_can_stop_training(tmp_path):
    calls = Calls()
    history = run_epochs(compiled(), dataset(tmp_path), 3, [calls])
    steps = list(range(5))
    assert calls.seen == ["begin", "epoch 0", *steps, "epoch 1", *steps, "end"]
    assert set(history) == {"loss", "binary_accuracy", SHARE, "added"}
    assert history["added"] == [0.0, 1.0]


class SlowBatches:
    """Batches that each advance the clock."""

    def __init__(self, batches, wait):
        self._batches, self._wait = batches, wait
        self.element_spec = batches.element_spec

    def __iter__(self):
        for batch in self._batches:
            self._wait()
            yield batch


class SlowStep(keras.callbacks.Callback):
    """A step that advances the clock."""

    def __init__(self, wait):
        super().__init__()
        self.on_train_batch_begin = lambda batch, logs=None: wait()


@pytest.mark.parametrize(("input_seconds", "step_seconds"), [(3.0, 1.0), (0.25, 4.0), (0.0, 2.0)])
def test_the_wait_share_is_measured_by_the_clock(
    tmp_path, monkeypatch, input_seconds, step_seconds
):
    now = [100.0]
    monkeypatch.setattr(training_loop.time, "perf_counter", lambda: now[0])

    def pass_time(seconds):
        now[0] += seconds

    history = run_epochs(
        compiled(),
        SlowBatches(dataset(tmp_path), lambda: pass_time(input_seconds)),
        2,
        [SlowStep(lambda: pass_time(step_seconds))],
    )
    expected = input_seconds / (input_seconds + step_seconds)
    assert history[SHARE] == [pytest.approx(expected)] * 2
