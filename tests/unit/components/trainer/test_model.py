"""The network: what it computes, what a step changes, the learning rate."""

import keras
import numpy as np
import pytest

from components.trainer.loss import mean_logits
from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.optimizers import ExactAdam, LazyRms
from components.trainer.settings import TrainerSettings
from schema import names
from tests.support.trainer_papers import LABELS, VOCABULARY, padded, random_papers

DEEP = TrainerSettings(hidden_units=(16, 8), dropout=0.2, epochs=4, learning_rate=0.01)


def batch(count=12):
    papers = random_papers(count, seed=5)
    ids, weights = padded([list(zip(p.ids, p.weights, strict=True)) for p in papers])
    truth = np.zeros((count, LABELS), np.float32)
    for row, paper in enumerate(papers):
        truth[row, paper.labels] = 1
    return {names.MODEL_IDS: ids, names.MODEL_WEIGHTS: weights}, truth


@pytest.mark.parametrize("optimizer", ["adam", "lazy_rms"])
def test_one_step_changes_every_parameter_that_the_batch_uses(optimizer):
    settings = DEEP.model_copy(update={"optimizer": optimizer, "dropout": 0.0})
    model = build_model(VOCABULARY, LABELS, settings)
    compile_model(model, make_optimizer(settings, steps_per_epoch=3))
    before = model.get_weights()
    inputs, truth = batch()
    model.train_on_batch(inputs, truth)
    after = model.get_weights()
    for old, new in zip(before, after, strict=True):
        assert (old != new).any()
    used = np.unique(inputs[names.MODEL_IDS][inputs[names.MODEL_WEIGHTS] != 0])
    moved = np.flatnonzero((before[0] != after[0]).any(axis=1))
    assert moved.tolist() == used.tolist()


def test_the_seed_decides_the_initial_weights():
    same = [build_model(VOCABULARY, LABELS, DEEP).get_weights() for _ in range(2)]
    for first, second in zip(*same, strict=True):
        np.testing.assert_array_equal(first, second)
    other = build_model(VOCABULARY, LABELS, DEEP.model_copy(update={"seed": 1})).get_weights()
    assert (same[0][0] != other[0]).any()


def test_linear_decay_reaches_zero_at_the_last_step():
    rate = make_optimizer(DEEP, steps_per_epoch=5).get_config()["learning_rate"]["config"]
    schedule = keras.optimizers.schedules.PolynomialDecay.from_config(rate)
    np.testing.assert_allclose(
        [float(schedule(step)) for step in (0, 5, 10, 20, 25)],
        [0.01, 0.0075, 0.005, 0.0, 0.0],
        atol=1e-8,
    )


def test_settings_choose_optimizer_and_constant_rate():
    constant = DEEP.model_copy(update={"lr_schedule": "constant", "optimizer": "adam"})
    optimizer = make_optimizer(constant, steps_per_epoch=5)
    assert type(optimizer) is ExactAdam
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    assert type(make_optimizer(DEEP, steps_per_epoch=5)) is LazyRms


ENSEMBLE = DEEP.model_copy(update={"ensemble_size": 3, "dropout": 0.0, "optimizer": "adam"})


def members_apart(model, count, width=16):
    """The weights of each member, as those of a network of its own."""
    first, bias = (weight.numpy() for weight in model.get_layer("hidden_1").weights)
    apart = []
    for member in range(count):
        columns = slice(member * width, (member + 1) * width)
        upper = [
            weight.numpy()
            for name in ("hidden_2", "logits")
            for weight in model.get_layer(f"{name}_of_{member + 1}").weights
        ]
        apart.append([first[:, columns], bias[columns], *upper])
    return apart


def test_members_start_different_and_each_as_if_alone():
    model = build_model(VOCABULARY, LABELS, ENSEMBLE)
    one, two, three = members_apart(model, 3)
    for other in (two, three):
        for index in (0, 2, 4):  # the kernels
            assert (one[index] != other[index]).any()
    # Glorot's limit is that of one member's layer, not of the wide one.
    limit = np.sqrt(6 / (VOCABULARY + 16))
    assert 0.9 * limit < np.abs(model.get_layer("hidden_1").kernel.numpy()).max() <= limit


def test_an_ensemble_trains_like_its_members_alone_and_averages_them():
    # By Adam: a row of `lazy_rms` has one RMS for all members.
    settings = ENSEMBLE.model_copy(update={"optimizer": "adam", "ensemble_size": 2})
    weights = np.linspace(1, 3, LABELS).astype(np.float32)
    model = build_model(VOCABULARY, LABELS, settings)
    compile_model(model, make_optimizer(settings, steps_per_epoch=3), weights)
    inputs, truth = batch()
    before = members_apart(model, 2)
    for _ in range(3):
        model.train_on_batch(inputs, truth)
    logits = []
    alone = settings.model_copy(update={"ensemble_size": 1})
    for start, end in zip(before, members_apart(model, 2), strict=True):
        single = build_model(VOCABULARY, LABELS, alone)
        compile_model(single, make_optimizer(alone, steps_per_epoch=3), weights)
        single.set_weights(start)
        for _ in range(3):
            single.train_on_batch(inputs, truth)
        for expected, found in zip(single.get_weights(), end, strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
        logits.append(single(inputs, training=False).numpy())
    found = mean_logits(model(inputs, training=False)).numpy()
    np.testing.assert_allclose(found, np.mean(logits, axis=0), rtol=0, atol=2e-4)


def test_biases_start_at_the_prior():
    counts = np.arange(LABELS)
    settings = ENSEMBLE.model_copy(update={"output_bias_init": "prior"})
    model = build_model(VOCABULARY, LABELS, settings, counts, papers=40)
    for member in (1, 2, 3):
        bias = model.get_layer(f"logits_of_{member}").bias.numpy()
        share = (counts + 0.5) / 41
        np.testing.assert_allclose(1 / (1 + np.exp(-bias)), share, rtol=1e-5)
