"""The 8-bit first layer against numpy's rounding and `keras.layers.Dense`."""

import keras
import numpy as np
import pytest

from components.trainer.int8_dense import Int8SparseDense
from components.trainer.model import build_model, build_served_model, copy_weights
from components.trainer.settings import TrainerSettings
from components.trainer.sparse_dense import SparseDense
from schema import names
from tests.support.trainer_papers import densified, padded

V, UNITS = 40, 9


def trained(kernel):
    layer = SparseDense(V, UNITS, activation="relu")
    layer.build(None, None)
    layer.set_weights([kernel, np.linspace(-1, 1, UNITS)])
    return layer


def random_kernel(seed):
    """Rows of very different magnitude; one is zero, one has a single weight."""
    rng = np.random.default_rng(seed)
    kernel = (rng.normal(size=(V, UNITS)) * 10.0 ** rng.integers(-6, 3, (V, 1))).astype(np.float32)
    kernel[3] = 0
    kernel[4] = 0
    kernel[4, 2] = -0.25
    return kernel


def rounded(kernel):
    """Row by row: the nearest of 255 even steps between minus and plus the largest weight."""
    result = np.zeros_like(kernel)
    for row, weights in enumerate(kernel):
        largest = np.abs(weights).max()
        if largest > 0:
            steps = np.arange(-127, 128) * (np.float64(largest) / 127)
            nearest = np.abs(weights[:, None].astype(np.float64) - steps).argmin(axis=1)
            result[row] = steps[nearest]
    return result


def batch(seed):
    rng = np.random.default_rng(seed)
    rows = [[(int(rng.integers(V)), float(rng.normal())) for _ in range(n)] for n in (0, 5, 11)]
    return padded(rows)


@pytest.mark.parametrize("rows_at_once", [1, 7, 8192])
def test_each_weight_becomes_the_nearest_step_of_its_row(monkeypatch, rows_at_once):
    monkeypatch.setattr("components.trainer.int8_dense._ROWS_AT_ONCE", rows_at_once)
    kernel = random_kernel(1)
    layer = Int8SparseDense(V, UNITS)
    layer.build(None, None)
    layer.copy_quantized(trained(kernel))
    assert layer.kernel.value.dtype == "int8"
    found = layer.kernel.numpy() * layer.scale.numpy()[:, np.newaxis]
    np.testing.assert_allclose(found, rounded(kernel), rtol=1e-6, atol=0)
    # The bound that the docstring states.
    bound = np.abs(kernel).max(axis=1, keepdims=True) / 127 / 2 * 1.0001
    assert (np.abs(found - kernel) <= bound).all()
    assert not layer.kernel.numpy()[3].any()
    assert layer.kernel.numpy()[4].tolist() == [0, 0, -127, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(2))
def test_output_equals_dense_on_the_rounded_kernel(seed):
    kernel = random_kernel(seed) / 100
    source = trained(kernel)
    layer = Int8SparseDense(V, UNITS, activation="relu")
    layer.build(None, None)
    layer.copy_quantized(source)
    dense = keras.layers.Dense(UNITS, activation="relu")
    dense.build((None, V))
    dense.set_weights([rounded(kernel), source.bias.numpy()])
    ids, weights = batch(seed)
    np.testing.assert_allclose(
        layer(ids, weights), dense(densified(ids, weights, V)), rtol=1e-5, atol=1e-5
    )


def test_it_is_a_quarter_of_the_size_and_not_trainable():
    layer = Int8SparseDense(V, UNITS)
    layer.build(None, None)
    assert layer.trainable_weights == []
    assert sum(each.numpy().nbytes for each in layer.weights) == V * UNITS + 4 * V + 4 * UNITS


@pytest.mark.parametrize("ensemble_size", [1, 3])
@pytest.mark.parametrize("first_layer_dtype", ["float32", "int8"])
def test_the_served_network_answers_like_the_trained_one(ensemble_size, first_layer_dtype):
    settings = TrainerSettings(
        hidden_units=(UNITS, 5),
        ensemble_size=ensemble_size,
        output_bias_init="prior",
        first_layer_dtype=first_layer_dtype,
    )
    counts = np.array([3, 10, 90])
    model = build_model(V, 3, settings, counts, 100)
    dice = np.random.default_rng(0)
    model.set_weights([dice.normal(0, 0.4, each.shape) for each in model.get_weights()])
    served = build_served_model(V, 3, settings)
    copy_weights(model, served)
    ids, weights = batch(5)
    inputs = {names.MODEL_IDS: ids, names.MODEL_WEIGHTS: weights}
    expected, found = model(inputs).numpy(), served(inputs).numpy()
    if first_layer_dtype == "float32":
        np.testing.assert_array_equal(found, expected)
    else:
        difference = np.abs(found - expected).max()
        assert 0 < difference < 0.02 * np.abs(expected).max()
