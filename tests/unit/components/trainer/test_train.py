"""A whole training: what it keeps, what it logs, and when it fails."""

import json

import numpy as np
import pytest
import tensorflow as tf

from components.labels.thresholds import half_of_best_f1, tune_threshold
from components.metrics.classification import count_labels, micro_f1
from components.trainer import callbacks
from components.trainer.input_pipeline import make_dataset
from components.trainer.model import (
    build_model,
    build_served_model,
    compile_model,
    make_optimizer,
)
from components.trainer.settings import TrainerSettings
from components.trainer.train import make_reproducible, train
from components.trainer.validation import FIGURES, Predictor, validation_figures
from schema import names
from schema.errors import BadInputError, UsageError
from tests.support.trainer_papers import LABELS, VOCABULARY, feature_spec, random_papers, write

SPEC = feature_spec()
SETTINGS = TrainerSettings(
    hidden_units=(12,), epochs=4, batch_size=16, learning_rate=0.02, patience=None
)
STEPS = 8
ALL_FIGURES = {"loss", "binary_accuracy", names.INPUT_WAIT_SHARE, *FIGURES}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    train_file = write(random_papers(STEPS * 16, seed=1), str(folder / "train"))
    val_file = write(random_papers(40, seed=2), str(folder / "val"))
    return (
        make_dataset(train_file, SPEC, 16, shuffle=True, seed=0),
        make_dataset(val_file, SPEC, 16, shuffle=False, seed=0, include_unknown=True),
    )


def run(settings, data, log_dir, served=None):
    model = build_model(VOCABULARY, LABELS, settings)
    compile_model(model, make_optimizer(settings, STEPS))
    result = train(model, *data, settings, str(log_dir), steps_per_epoch=STEPS, served=served)
    return model, result


def test_training_learns_and_logs_every_epoch(data, tmp_path):
    (tmp_path / names.EPOCHS_FILE).write_text("an older log\n")
    model, result = run(SETTINGS, data, tmp_path)
    assert result.history.keys() == ALL_FIGURES
    assert result.history["loss"][-1] < result.history["loss"][0]
    assert result.history["val_lrap"][-1] > result.history["val_lrap"][0]
    lines = [json.loads(line) for line in (tmp_path / names.EPOCHS_FILE).read_text().splitlines()]
    epochs = [line for line in lines if "step" not in line]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4]
    for number, line in enumerate(epochs):
        assert line.keys() == {"epoch", "epochs", "seconds", *ALL_FIGURES}
        assert line["epochs"] == 4
        assert line["seconds"] > 0
        for figure in ALL_FIGURES:
            assert line[figure] == result.history[figure][number]
    # Without early stopping the last weights stay.
    assert result.kept_epoch == 4
    last = validation_figures(Predictor(model, data[1]).predict())
    assert last == {name: values[-1] for name, values in result.history.items() if "val_" in name}


@pytest.mark.parametrize(
    ("first_layer_dtype", "rule"), [(None, "half_f1"), ("float32", "global"), ("int8", "half_f1")]
)
def test_the_best_epoch_is_served_with_its_threshold(
    data, tmp_path, monkeypatch, first_layer_dtype, rule
):
    scores = iter([0.5, 0.9, 0.7, 0.6])
    monkeypatch.setattr(
        callbacks,
        "validation_figures",
        lambda predictions: {**validation_figures(predictions), "val_lrap": next(scores)},
    )
    settings = SETTINGS.model_copy(update={"patience": 2, "thresholds": rule})
    served = None
    if first_layer_dtype:
        settings = settings.model_copy(update={"first_layer_dtype": first_layer_dtype})
        served = build_served_model(VOCABULARY, LABELS, settings)
    model, result = run(settings, data, tmp_path, served)
    assert (result.kept_epoch, len(result.history["loss"])) == (2, 4)
    predictions = Predictor(served or model, data[1]).predict()
    assert validation_figures(predictions)["val_loss"] == result.history["val_loss"][1]
    assert result.history["val_loss"][1] not in result.history["val_loss"][2:]
    truth, probabilities = predictions.y_true, tf.sigmoid(predictions.logits).numpy()
    expected = tune_threshold(truth, probabilities, predictions.unknown)
    if rule == "half_f1":
        counts = count_labels(truth, probabilities, expected, predictions.unknown)
        expected = half_of_best_f1(micro_f1(counts))
    assert result.threshold == expected


def test_diverged_training_and_an_empty_validation_split_are_refused(data, tmp_path):
    settings = SETTINGS.model_copy(update={"learning_rate": 1e38, "lr_schedule": "constant"})
    with pytest.raises(UsageError, match=r"diverged in epoch \d+.*trainer.learning_rate"):
        run(settings, data, tmp_path / "log")
    path = write([], str(tmp_path / "empty"))
    empty = make_dataset(path, SPEC, 4, shuffle=False, seed=0, include_unknown=True)
    with pytest.raises(BadInputError, match="validation split is empty"):
        run(SETTINGS, (data[0], empty), tmp_path / "log")


@pytest.mark.parametrize(("gpus", "deterministic"), [([], True), (["GPU:0"], False)])
def test_kernels_are_deterministic_except_on_a_gpu(monkeypatch, gpus, deterministic):
    """On a GPU the first layer would fail: TensorFlow has no deterministic kernel for it."""
    asked = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(True))
    make_reproducible(3)
    first = np.random.random(), tf.random.uniform([]).numpy()
    make_reproducible(3)
    assert (np.random.random(), tf.random.uniform([]).numpy()) == first
    assert asked == [True] * (2 if deterministic else 0)
