"""Explanations of logits against TensorFlow's own gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.explanation import NAMED, make_functions
from components.trainer.loss import mean_logits
from components.trainer.model import build_model, build_served_model, copy_weights
from components.trainer.settings import TrainerSettings

V, L, K = 40, 7, 4


def served(**settings):
    """A network as it is served; half of the first layer is at 0 for the first two n-grams."""
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
    """Weights of many n-grams, of three, of none, and of two that cancel each other out."""
    rows = np.zeros((4, V), np.float32)
    rows[0, 5:] = np.random.default_rng(3).gamma(1.0, size=V - 5)
    rows[1, 9:12] = [0.3, 2.0, 0.7]
    rows[3, :2] = 1.0
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
@pytest.mark.parametrize("ensemble_size", [1, 3])
@pytest.mark.parametrize("hidden_units", [(9,), (9, 6, 5)])
def test_contributions_are_gradient_times_input(first_layer_dtype, ensemble_size, hidden_units):
    network = served(
        ensemble_size=ensemble_size, hidden_units=hidden_units, first_layer_dtype=first_layer_dtype
    )
    logits, added = gradients(network, texts())
    _, explain = make_functions(network)
    columns, outputs = explain(tf.sparse.from_dense(texts()), K)
    found = {name: value.numpy() for name, value in outputs.items()}
    best = np.argsort(-logits, axis=1)[:, :K]
    np.testing.assert_array_equal(columns, best)
    added = np.take_along_axis(added, best[..., np.newaxis], axis=1)
    ordered = np.sort(added, axis=2)
    most, least = ordered[..., : -NAMED - 1 : -1], ordered[..., :NAMED]
    named = np.concatenate([np.maximum(most, 0), np.minimum(least, 0)], axis=2)
    expected = {
        "logits": np.take_along_axis(logits, best, axis=1),
        "contributions": named,
        "rest": added.sum(axis=2) - named.sum(axis=2),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-4, err_msg=name)
    at = np.take_along_axis(added, found["ngrams"], axis=2)
    np.testing.assert_allclose(np.where(named != 0, at, 0), named, rtol=0, atol=1e-4)
    # The bias comes by a way of its own, and makes the sum what the network says.
    parts = found["contributions"].sum(axis=2) + found["rest"] + found["bias"]
    np.testing.assert_allclose(parts, found["logits"], rtol=0, atol=1e-4)
    assert (named[0, :, 0] > 0).all()
    assert (named[0, :, -1] < 0).any()


@pytest.mark.parametrize(
    ("more", "name"),
    [(keras.layers.LayerNormalization(name="norm"), "norm"), (keras.layers.Dense(L), "logits")],
)
def test_a_network_with_other_parts_is_refused(more, name):
    network = served(hidden_units=(9,))
    with pytest.raises(ValueError, match=f"can't be explained through {name}"):
        make_functions(keras.Model(network.inputs, more(network.output)))
