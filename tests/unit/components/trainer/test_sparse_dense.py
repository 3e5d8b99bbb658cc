"""The sparse layer against `keras.layers.Dense` on densified input."""

import gc
import weakref

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
    sparse = SparseDense(V, UNITS, activation=activation)
    sparse.build(None, None)
    sparse.bias.assign(np.linspace(-1, 1, UNITS))
    dense = keras.layers.Dense(UNITS, activation=activation)
    dense.build((None, V))
    dense.set_weights(sparse.get_weights())
    return sparse, dense


@pytest.mark.parametrize("run", [lambda function: function, tf.function])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("activation", ["relu", None, "tanh"])
def test_output_and_gradients_equal_dense(seed, activation, run):
    sparse, dense = layers(activation)
    ids, weights = batch(seed)
    factor = np.random.default_rng(seed).normal(size=(len(ids), UNITS)).astype(np.float32)

    def differentiate(layer, *inputs):
        weights = [layer.kernel.value, layer.bias.value]
        with tf.GradientTape() as tape:
            output = layer(*inputs)
            loss = tf.reduce_sum(output * factor)
        return output, *tape.gradient(loss, weights)

    output, kernel, bias = run(differentiate)(sparse, ids, weights)
    expected, expected_kernel, expected_bias = differentiate(dense, densified(ids, weights, V))
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(tf.convert_to_tensor(kernel), expected_kernel, atol=1e-5)
    np.testing.assert_allclose(bias, expected_bias, atol=1e-5)


def test_nothing_holds_what_was_traced():
    sparse, _ = layers()

    @tf.function
    def differentiate(ids, weights):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(sparse(ids, weights))
        return tape.gradient(loss, sparse.kernel.value).values

    graph = weakref.ref(differentiate.get_concrete_function(*batch(0)).graph)
    del differentiate
    gc.collect()
    assert graph() is None


def test_the_gradient_has_each_used_row_once_and_no_other():
    sparse, _ = layers()
    ids, weights = padded([[(5, 1.0), (7, 2.0), (5, 3.0)], [], [(7, 1.0)]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(sparse(ids, weights))
    gradient = tape.gradient(loss, sparse.kernel.value)
    assert isinstance(gradient, tf.IndexedSlices)
    # Padding has id 0, which no paper of this batch holds.
    assert sorted(gradient.indices.numpy().tolist()) == [5, 7]


@pytest.mark.parametrize(("rows", "width"), [(3, 0), (3, 4), (0, 0)])
def test_a_batch_without_ngrams_gives_the_bias(rows, width):
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


def test_mixed_precision_casts_the_output():
    layer = SparseDense(V, UNITS, dtype="mixed_bfloat16")
    ids, weights = batch(2)
    output = layer(ids, weights)
    assert (output.dtype, layer.kernel.dtype) == (tf.bfloat16, "float32")
    exact = densified(ids, weights, V) @ layer.kernel.numpy()
    np.testing.assert_allclose(tf.cast(output, tf.float32), exact, rtol=0.02, atol=0.02)
