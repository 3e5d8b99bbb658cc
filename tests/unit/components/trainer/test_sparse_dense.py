"""The sparse layer against `keras.layers.Dense` on densified input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.sparse_dense import SparseDense
from tests.support.trainer_papers import densified, padded

V, UNITS = 30, 7


def batch(seed, rows=9):
    """Ragged rows; one is empty, and ids may occur twice in a row."""
    rng = np.random.default_rng(seed)
    lengths = [0, *rng.integers(0, 14, rows - 1)]
    return padded(
        [[(int(rng.integers(V)), float(rng.normal())) for _ in range(n)] for n in lengths]
    )


def layers(activation="relu"):
    """The sparse layer and the dense one with the same weights."""
    sparse = SparseDense(V, UNITS, activation=activation, bias_initializer="random_normal")
    sparse.build(None, None)
    dense = keras.layers.Dense(UNITS, activation=activation)
    dense.build((None, V))
    dense.set_weights(sparse.get_weights())
    return sparse, dense


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("activation", ["relu", None, "tanh"])
def test_output_and_gradients_equal_dense(seed, activation):
    sparse, dense = layers(activation)
    ids, weights = batch(seed)
    factor = np.random.default_rng(seed).normal(size=(len(ids), UNITS)).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        output = sparse(ids, weights)
        expected = dense(densified(ids, weights, V))
        loss, expected_loss = tf.reduce_sum(output * factor), tf.reduce_sum(expected * factor)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-5)
    kernel, bias = tape.gradient(loss, [sparse.kernel.value, sparse.bias.value])
    expected_kernel, expected_bias = tape.gradient(
        expected_loss, [dense.kernel.value, dense.bias.value]
    )
    np.testing.assert_allclose(tf.convert_to_tensor(kernel), expected_kernel, atol=1e-5)
    np.testing.assert_allclose(bias, expected_bias, atol=1e-5)


def test_gradient_holds_each_used_row_once_and_no_other():
    sparse, _ = layers()
    ids, weights = padded([[(5, 1.0), (7, 2.0), (5, 3.0)], [], [(7, 1.0)]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(sparse(ids, weights))
    gradient = tape.gradient(loss, sparse.kernel.value)
    assert isinstance(gradient, tf.IndexedSlices)
    # Padding has id 0, which no paper of this batch holds.
    assert sorted(gradient.indices.numpy().tolist()) == [5, 7]


@pytest.mark.parametrize(("rows", "width"), [(3, 0), (3, 4), (0, 0)])
def test_a_batch_without_any_ngram_gives_the_bias(rows, width):
    sparse, _ = layers(activation=None)
    ids = np.zeros((rows, width), np.int32)
    with tf.GradientTape() as tape:
        output = sparse(ids, np.zeros((rows, width), np.float32))
        loss = tf.reduce_sum(output)
    expected = np.broadcast_to(sparse.bias.numpy(), (rows, UNITS))
    np.testing.assert_array_equal(output.numpy(), expected)
    kernel, bias = tape.gradient(loss, [sparse.kernel.value, sparse.bias.value])
    assert kernel.indices.shape == (0,)
    np.testing.assert_array_equal(bias, np.full(UNITS, rows, np.float32))


def test_an_id_outside_the_kernel_is_an_error():
    sparse, _ = layers()
    with pytest.raises(tf.errors.InvalidArgumentError):
        sparse(np.array([[V]], np.int32), np.ones((1, 1), np.float32))


def functional_model():
    ids, weights = keras.Input((None,), dtype="int32"), keras.Input((None,))
    hidden = SparseDense(V, UNITS, activation="relu", kernel_initializer="he_normal")(ids, weights)
    return keras.Model([ids, weights], keras.layers.Dense(2)(hidden))


def test_a_saved_model_comes_back_the_same(tmp_path):
    model = functional_model()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ids, weights = batch(1)
    np.testing.assert_array_equal(loaded([ids, weights]).numpy(), model([ids, weights]).numpy())
    layer = next(layer for layer in loaded.layers if isinstance(layer, SparseDense))
    assert layer.get_config()["activation"] == "relu"
    assert layer.get_config()["kernel_initializer"]["class_name"] == "HeNormal"
    assert model.output_shape == loaded.output_shape == (None, 2)


def test_fit_moves_the_rows_of_the_batch_only():
    model = functional_model()
    model.compile("sgd", "mse", jit_compile=False)
    kernel = next(layer for layer in model.layers if isinstance(layer, SparseDense)).kernel
    before = kernel.numpy()
    ids, weights = padded([[(3, 1.0), (4, -2.0)], [(9, 1.0)]])
    model.fit([ids, weights], np.ones((2, 2), np.float32), epochs=2, verbose=0)
    moved = np.flatnonzero((kernel.numpy() != before).any(axis=1))
    assert set(moved.tolist()) <= {3, 4, 9}
    assert moved.size


def test_mixed_precision_casts_the_output():
    layer = SparseDense(V, UNITS, dtype="mixed_bfloat16")
    ids, weights = batch(2)
    output = layer(ids, weights)
    assert (output.dtype, layer.kernel.dtype) == (tf.bfloat16, "float32")
    exact = densified(ids, weights, V) @ layer.kernel.numpy()
    np.testing.assert_allclose(tf.cast(output, tf.float32), exact, rtol=0.02, atol=0.02)


@pytest.mark.parametrize(("input_dim", "units"), [(0, 3), (3, 0)])
def test_sizes_below_one_are_refused(input_dim, units):
    with pytest.raises(ValueError, match="positive"):
        SparseDense(input_dim, units)
