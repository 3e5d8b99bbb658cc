"""The figures of the validation split against Keras and scikit-learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score, label_ranking_average_precision_score, ndcg_score

from components.trainer.input_pipeline import make_dataset
from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.settings import TrainerSettings
from components.trainer.validation import FIGURES, Predictions, Predictor, validation_figures
from tests.support.trainer_papers import (
    LABELS,
    VOCABULARY,
    Paper,
    feature_spec,
    random_papers,
    write,
)


def test_validation_figures_equal_keras_and_sklearn(tmp_path):
    # Nothing of the last two is in the vocabulary.
    papers = [*random_papers(40, seed=2), Paper([], [], [1]), Paper([0], [2.0], [2])]
    path = write(papers, str(tmp_path / "val"))
    data = make_dataset(path, feature_spec(), 16, shuffle=False, seed=0, include_unknown=True)
    settings = TrainerSettings(hidden_units=(12,))
    model = build_model(VOCABULARY, LABELS, settings)
    compile_model(model, make_optimizer(settings, 1))
    # Without biases all logits of the last two would be 0, which is neither side.
    model.set_weights([each + np.float32(0.01) for each in model.get_weights()])
    predictions = Predictor(model, data).predict()
    figures = validation_figures(predictions)
    assert tuple(figures) == FIGURES
    expected = model.evaluate(
        data.map(lambda inputs, truth, _: (inputs, truth)), verbose=0, return_dict=True
    )
    for name in ("loss", "binary_accuracy"):
        assert figures[f"val_{name}"] == pytest.approx(expected[name], abs=1e-6)
    # Unknown labels, at most one a paper here, as a last column that is never suggested.
    assert predictions.unknown.sum() == 4
    truth = np.column_stack([predictions.y_true, predictions.unknown])
    probabilities = tf.sigmoid(predictions.logits).numpy()
    scores = np.column_stack([probabilities, np.full(len(truth), -1.0)])
    suggested = scores >= np.float32(figures["val_threshold"])
    assert predictions.known.tolist() == 40 * [True] + 2 * [False]
    assert suggested[-2:].any()
    suggested[-2:] = False
    lrap = label_ranking_average_precision_score(truth, scores)
    assert figures["val_lrap"] == pytest.approx(lrap)
    assert figures["val_ndcg@5"] == pytest.approx(ndcg_score(truth, scores, k=5))
    assert figures["val_micro_f1"] == pytest.approx(f1_score(truth, suggested, average="micro"))


def test_the_loss_of_many_papers_equals_that_of_keras():
    """They are computed in several parts."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 8, (1_500, 1_000)).astype(np.float32)
    truth = (rng.random(logits.shape) < 0.3).astype(np.float32)
    figures = validation_figures(
        Predictions(truth, logits, np.zeros(1_500, np.int64), np.ones(1_500, bool))
    )
    expected = keras.losses.BinaryCrossentropy(from_logits=True)(truth, logits)
    assert figures["val_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_every_figure_of_a_diverged_network_is_nan():
    logits = np.full((2, 3), np.nan, np.float32)
    figures = validation_figures(
        Predictions(np.ones((2, 3)), logits, np.zeros(2), np.ones(2, bool))
    )
    assert tuple(figures) == FIGURES
    assert np.isnan(list(figures.values())).all()
