"""The training loop: what it keeps, what it logs, and where it stops."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score, label_ranking_average_precision_score, ndcg_score

from components.labels.threshold import tune_threshold
from components.labels.threshold_choice import choose_thresholds
from components.trainer import epoch_log, training
from components.trainer.epoch_log import EpochLog, epochs_path
from components.trainer.input_pipeline import make_dataset
from components.trainer.model import (
    build_model,
    build_served_model,
    compile_model,
    copy_weights,
    make_optimizer,
)
from components.trainer.settings import TrainerSettings
from components.trainer.training import make_reproducible, train
from components.trainer.validation import Predictions, Predictor, validation_figures
from schema import names
from schema.errors import BadInputError, UsageError
from tests.support.trainer_papers import LABELS, VOCABULARY, feature_spec, random_papers, write

SPEC = feature_spec()
SETTINGS = TrainerSettings(
    hidden_units=(12,), epochs=4, batch_size=16, learning_rate=0.02, patience=None
)
STEPS = 8
FIGURES = (
    "loss",
    "binary_accuracy",
    "input_wait_share",
    "val_loss",
    "val_binary_accuracy",
    "val_lrap",
    "val_micro_f1",
    "val_ndcg@5",
    "val_threshold",
)


@pytest.fixture
def data(tmp_path):
    train_file = write(random_papers(STEPS * 16, seed=1), str(tmp_path / "train.gz"))
    val_file = write(random_papers(40, seed=2), str(tmp_path / "val.gz"))
    return (
        make_dataset(train_file, SPEC, 16, shuffle=True, seed=0),
        make_dataset(val_file, SPEC, 16, shuffle=False, seed=0, include_unknown=True),
    )


def compiled(settings):
    model = build_model(VOCABULARY, LABELS, settings)
    compile_model(model, make_optimizer(settings, STEPS))
    return model


def run(settings, data, log_dir):
    model = compiled(settings)
    return model, train(model, *data, settings, str(log_dir), steps_per_epoch=STEPS)


def lines(log_dir):
    text = (log_dir / names.EPOCHS_FILE).read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def scripted(monkeypatch):
    """Scores each epoch as scripted, and keeps the weights that were scored."""

    def install(model_scores):
        weights = []
        scores = iter(model_scores)

        class Recorder(Predictor):
            def __init__(self, model, dataset):
                super().__init__(model, dataset)
                self.model = model

            def predict(self):
                predictions = super().predict()
                weights.append(self.model.get_weights())
                return predictions

        def scored(predictions):
            score = next(scores)
            return {**validation_figures(predictions), "val_lrap": score, "val_threshold": score}

        monkeypatch.setattr(training, "Predictor", Recorder)
        monkeypatch.setattr(training, "validation_figures", scored)
        return weights

    return install


@pytest.mark.parametrize(
    ("patience", "scores", "epochs_run", "best", "kept"),
    [
        (2, [0.5, 0.9, 0.7, 0.6], 4, 2, 2),
        (1, [0.5, 0.9, 0.7, 0.95], 3, 2, 2),
        # All epochs run, and the best one is kept nevertheless.
        (3, [0.5, 0.9, 0.7, 0.6], 4, 2, 2),
        (1, [0.9, 0.8, 0.7, 0.6], 2, 1, 1),
        # Of equal ones the first is kept.
        (2, [0.5, 0.9, 0.9, 0.6], 4, 2, 2),
        # The best comes last: nothing is put back.
        (2, [0.5, 0.9, 0.7, 0.95], 4, 4, 4),
        (None, [0.5, 0.9, 0.7, 0.6], 4, 2, 4),
    ],
)
def test_the_right_epochs_weights_are_kept(
    scripted, data, tmp_path, patience, scores, epochs_run, best, kept
):
    weights = scripted(scores)
    settings = SETTINGS.model_copy(update={"patience": patience})
    model, result = run(settings, data, tmp_path / "log")
    assert (result.best_epoch, result.kept_epoch) == (best, kept)
    assert result.threshold == scores[kept - 1]
    # The kept weights are looked at once more, for the thresholds.
    assert len(weights) - 1 == epochs_run == len(result.history["val_lrap"])
    for scored in (weights[kept - 1], weights[-1]):
        for mine, expected in zip(model.get_weights(), scored, strict=True):
            np.testing.assert_array_equal(mine, expected)
    assert (weights[0][0] != weights[1][0]).any()


@pytest.mark.parametrize(("gpus", "deterministic"), [([], True), (["GPU:0"], False)])
def test_kernels_are_deterministic_where_all_of_them_can_be(monkeypatch, gpus, deterministic):
    """On a GPU the first layer would fail, for TensorFlow has no such kernel for it."""
    asked = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(True))
    make_reproducible(3)
    first = np.random.random(), tf.random.uniform([]).numpy()
    make_reproducible(3)
    assert (np.random.random(), tf.random.uniform([]).numpy()) == first
    assert asked == [True] * (2 if deterministic else 0)


def test_training_learns_and_logs_every_epoch(data, tmp_path):
    model, result = run(SETTINGS, data, tmp_path / "log")
    assert set(result.history) == set(FIGURES)
    assert result.history["loss"][-1] < result.history["loss"][0]
    assert result.history["val_lrap"][-1] > result.history["val_lrap"][0]
    epochs = [line for line in lines(tmp_path / "log") if "step" not in line]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4]
    for number, line in enumerate(epochs):
        assert set(line) == {"epoch", "epochs", "seconds", *FIGURES}
        assert line["epochs"] == 4
        assert line["seconds"] > 0
        for figure in FIGURES:
            assert line[figure] == result.history[figure][number]
    last = validation_figures(Predictor(model, data[1]).predict())
    assert last == {name: values[-1] for name, values in result.history.items() if "val_" in name}


@pytest.mark.parametrize("kind", ["global", "half_f1", "per_label", "auto"])
def test_thresholds_are_tuned_on_validation_for_the_kept_weights(data, tmp_path, kind):
    settings = SETTINGS.model_copy(
        update={"thresholds": kind, "threshold_shrinkage": 2.0, "patience": 2, "seed": 4}
    )
    model, result = run(settings, data, tmp_path / "log")
    kept = Predictor(model, data[1]).predict()
    figures = kept.y_true, kept.probabilities, kept.unknown
    best_cut = tune_threshold(*figures)
    expected = choose_thresholds(*figures, best_cut, kind, shrinkage=2.0, seed=4)
    assert result.threshold == expected.threshold
    np.testing.assert_array_equal(result.thresholds, expected.values)
    assert result.label_thresholds.kind == expected.kind
    assert result.label_thresholds.cross_fitted_micro_f1 == expected.cross_fitted_micro_f1
    one = np.full(LABELS, result.threshold, np.float32)
    assert (result.thresholds == one).all() == (expected.kind != "per_label")


def test_tensorboard_gets_the_ranking_figures(data, tmp_path):
    run(SETTINGS.model_copy(update={"epochs": 1}), data, tmp_path / "log")
    events = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("events.*"))
    assert b"epoch_lrap" in events
    assert b"epoch_loss" in events


def test_validation_figures_equal_keras_and_sklearn(data):
    model = compiled(SETTINGS)
    predictions = Predictor(model, data[1]).predict()
    figures = validation_figures(predictions)
    keras_figures = model.evaluate(
        data[1].map(lambda inputs, truth, _: (inputs, truth)), verbose=0, return_dict=True
    )
    assert figures["val_loss"] == pytest.approx(keras_figures["loss"], abs=1e-6)
    assert figures["val_binary_accuracy"] == pytest.approx(
        keras_figures["binary_accuracy"], abs=1e-6
    )
    # Unknown labels, at most one a paper here, as a last column that is never suggested.
    assert predictions.unknown.sum() == 4
    truth = np.column_stack([predictions.y_true, predictions.unknown])
    scores = np.column_stack([predictions.probabilities, np.full(len(truth), -1.0)])
    suggested = scores >= np.float32(figures["val_threshold"])
    assert figures["val_lrap"] == pytest.approx(
        label_ranking_average_precision_score(truth, scores)
    )
    assert figures["val_ndcg@5"] == pytest.approx(ndcg_score(truth, scores, k=5))
    assert figures["val_micro_f1"] == pytest.approx(f1_score(truth, suggested, average="micro"))


def test_the_loss_of_many_papers_is_that_of_keras():
    """They do not fit into one part."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 8, (1_500, 1_000)).astype(np.float32)
    truth = (rng.random(logits.shape) < 0.3).astype(np.float32)
    probabilities = tf.sigmoid(logits).numpy()
    figures = validation_figures(Predictions(truth, logits, probabilities, np.zeros(1_500)))
    expected = keras.losses.BinaryCrossentropy(from_logits=True)(truth, logits)
    assert figures["val_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_a_diverged_training_says_so(data, tmp_path):
    settings = SETTINGS.model_copy(update={"learning_rate": 1e38, "lr_schedule": "constant"})
    with pytest.raises(UsageError, match=r"diverged in epoch \d+.*trainer.learning_rate"):
        run(settings, data, tmp_path / "log")


def test_a_diverged_network_is_scored_as_no_number():
    logits = np.full((2, 3), np.nan, np.float32)
    figures = validation_figures(Predictions(np.ones((2, 3)), logits, logits, np.zeros(2)))
    assert list(figures) == ["val_loss"]
    assert math.isnan(figures["val_loss"])


def test_an_empty_validation_split_is_an_error(data, tmp_path):
    path = write([], str(tmp_path / "empty.gz"))
    empty = make_dataset(path, SPEC, 4, shuffle=False, seed=0, include_unknown=True)
    with pytest.raises(BadInputError, match="validation split is empty"):
        run(SETTINGS, (data[0], empty), tmp_path / "log")


def test_long_epochs_show_progress_at_most_twice_a_second(monkeypatch, tmp_path):
    clock = [100.0]
    monkeypatch.setattr(epoch_log.time, "monotonic", lambda: clock[0])
    log = EpochLog(str(tmp_path), epochs=3, steps=20)
    log.on_train_begin()
    log.on_epoch_begin(1)
    for step in range(20):
        clock[0] += 0.125
        log.on_train_batch_end(step, {"loss": np.float32(step)})
        # Flushed at once: a reader sees it while the file is open.
        assert len(lines(tmp_path)) == (step + 1) // 4 if step > 2 else True
    log.on_epoch_end(1, {"loss": 7.0})
    log.on_train_end()
    written = lines(tmp_path)
    assert written[0] == {
        "epoch": 2, "epochs": 3, "step": 4, "steps": 20, "seconds": 0.5, "loss": 3.0,
    }  # fmt: skip
    assert [line.get("step") for line in written] == [4, 8, 12, 16, 20, None]
    assert written[-1] == {"epoch": 2, "epochs": 3, "seconds": 2.5, "loss": 7.0}


def test_remote_storage_is_written_to_less_often(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(epoch_log.time, "monotonic", lambda: clock[0])
    log = EpochLog("ram://progress", epochs=1, steps=60)
    log.on_train_begin()
    log.on_epoch_begin(0)
    for step in range(60):
        clock[0] += 0.5
        log.on_train_batch_end(step, {"loss": 1.0})
    log.on_epoch_end(0, {"loss": 2.0})
    log.on_train_end()
    with tf.io.gfile.GFile(f"ram://progress/{names.EPOCHS_FILE}") as file:
        written = [json.loads(line) for line in file.read().splitlines()]
    assert [line.get("step") for line in written] == [20, 40, 60, None]


@pytest.mark.parametrize("first_layer_dtype", ["float32", "int8"])
def test_another_network_can_be_validated_with_the_trained_weights(
    first_layer_dtype, scripted, data, tmp_path
):
    """It ends with the weights that were kept, not the last ones."""
    validated = scripted([0.5, 0.9, 0.7, 0.6])
    settings = SETTINGS.model_copy(update={"patience": 2, "first_layer_dtype": first_layer_dtype})
    model = compiled(settings)
    served, last_served = (build_served_model(VOCABULARY, LABELS, settings) for _ in range(2))
    result = train(
        model, *data, settings, str(tmp_path / "log"), steps_per_epoch=STEPS, served=served
    )
    assert result.kept_epoch == 2
    assert len(validated) == 5
    copy_weights(model, last_served)
    for mine, best, last in zip(
        served.get_weights(), validated[1], last_served.get_weights(), strict=True
    ):
        assert mine.dtype == best.dtype
        np.testing.assert_array_equal(mine, best)
        assert (mine != last).any()
    figures = validation_figures(Predictor(served, data[1]).predict())
    assert figures["val_loss"] == result.history["val_loss"][1]


def test_an_older_log_is_replaced(data, tmp_path):
    (tmp_path / names.EPOCHS_FILE).write_text("stale\n")
    run(SETTINGS.model_copy(update={"epochs": 1}), data, tmp_path)
    assert [line["epoch"] for line in lines(tmp_path) if "step" not in line] == [1]


def test_log_path_is_local_or_remote():
    assert epochs_path("/logs/run/") == f"/logs/run/{names.EPOCHS_FILE}"
    assert epochs_path("gs://bucket/run/") == f"gs://bucket/run/{names.EPOCHS_FILE}"
