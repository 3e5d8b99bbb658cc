"""Explanations of logits against TensorFlow's own gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.explanation import NAMED, make_explainer
from components.trainer.loss import mean_logits
from components.trainer.model import build_model, build_served_model, copy_weights
from components.trainer.settings import TrainerSettings

V, L, K = 40, 7, 4


def served(**settings):
    """A network as it is served, with opinions; some units of its first layer are without bias."""
    made = TrainerSettings(**settings)
    trained, network = build_model(V, L, made), build_served_model(V, L, made)
    dice = np.random.default_rng(2)
    weights = [dice.normal(0, 0.4, each.shape) for each in trained.get_weights()]
    weights[0][1] = -weights[0][0]
    weights[1][::2] = 0
    trained.set_weights(weights)
    copy_weights(trained, network)
    return network


def texts():
    """Weights, [5, V]: many n-grams, few, none, one, and two that cancel each other out."""
    dice = np.random.default_rng(3)
    rows = np.zeros((5, V), np.float32)
    rows[0, 5:] = dice.gamma(1.0, size=V - 5)
    rows[1, 9:12] = [0.3, 2.0, 0.7]
    rows[3, 20] = 1.5
    rows[4, :2] = 1.0
    return rows


def gradients(network, rows):
    """All logits, [n, L], and gradient x input for each, [n, L, V]."""
    first = network.get_layer("hidden_1")
    kernel = tf.cast(first.kernel, tf.float32)
    if first.kernel.dtype == "int8":
        kernel *= first.scale[:, tf.newaxis]
    upper = keras.Model(first.output, network.output)
    inputs = tf.constant(rows)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        logits = mean_logits(upper(tf.nn.relu(inputs @ kernel + first.bias), training=False))
    return logits.numpy(), (tape.batch_jacobian(logits, inputs) * inputs[:, tf.newaxis]).numpy()


@pytest.mark.parametrize("first_layer_dtype", ["float32", "int8"])
@pytest.mark.parametrize(
    ("ensemble_size", "hidden_units"), [(1, (9,)), (1, (9, 6, 5)), (3, (9,)), (3, (9, 5))]
)
def test_contributions_are_gradient_times_input(first_layer_dtype, ensemble_size, hidden_units):
    network = served(
        ensemble_size=ensemble_size, hidden_units=hidden_units, first_layer_dtype=first_layer_dtype
    )
    logits, added = gradients(network, texts())
    columns, found = make_explainer(network)(tf.sparse.from_dense(texts()), K)
    np.testing.assert_array_equal(columns, np.argsort(-logits, axis=1)[:, :K])
    expected = np.take_along_axis(added, columns.numpy()[..., np.newaxis], axis=1)
    found = {name: value.numpy() for name, value in found.items()}
    np.testing.assert_allclose(
        found["logits"], np.take_along_axis(logits, columns.numpy(), axis=1), rtol=0, atol=1e-5
    )
    ordered = np.sort(expected, axis=2)
    most, least = (
        np.maximum(ordered[..., : -NAMED - 1 : -1], 0),
        np.minimum(ordered[..., :NAMED], 0),
    )
    named = np.concatenate([most, least], axis=2)
    np.testing.assert_allclose(found["contributions"], named, rtol=0, atol=1e-5)
    at = np.take_along_axis(expected, found["ngrams"], axis=2)
    np.testing.assert_allclose(np.where(named != 0, at, 0), named, rtol=0, atol=1e-5)
    rest = expected.sum(axis=2) - named.sum(axis=2)
    np.testing.assert_allclose(found["rest"], rest, rtol=0, atol=1e-4)
    # The parts are computed one by one, and add up to what the network says.
    parts = found["contributions"].sum(axis=2) + found["rest"] + found["bias"]
    np.testing.assert_allclose(parts, found["logits"], rtol=0, atol=1e-4)
    # Nothing is off or on by chance: some n-grams speak for labels, and some against.
    assert (named[0, :, 0] > 0).all()
    assert (named[0, :, -1] < 0).any()
    assert not named[2].any()


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (keras.layers.LayerNormalization(name="norm"), "norm"),
        (keras.layers.Dense(L, name="more"), "logits"),
    ],
)
def test_a_network_with_other_parts_is_refused(wrong, name):
    network = served(hidden_units=(9,))
    other = keras.Model(network.inputs, wrong(network.output))
    with pytest.raises(ValueError, match=f"through .*{name}"):
        make_explainer(other)
