"""Both optimizers against Keras's Adam, and the one for rows against its rule in numpy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer import optimizers
from components.trainer.optimizers import ExactAdam, LazyRms

V, UNITS = 20, 5


def slices(rows, values, shape=(V, UNITS)):
    return tf.IndexedSlices(
        tf.constant(values, tf.float32), tf.constant(rows, tf.int64), tf.constant(shape)
    )


def by_rows(values):
    """A variable whose optimizer knows that its gradient has few rows, as that of `SparseDense`."""
    variable = keras.Variable(np.asarray(values, np.float32))
    variable.updated_by_rows = True
    return variable


def schedule():
    return keras.optimizers.schedules.PolynomialDecay(0.05, 20, 0.0)


def moments(optimizer):
    return optimizer._momentums[0].numpy(), optimizer._velocities[0].numpy()


def random_steps(count, rows_per_step, seed=0):
    """Gradients of few distinct rows each, different ones in each step."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        rows = rng.permutation(V)[:rows_per_step]
        yield rows, rng.normal(size=(rows_per_step, UNITS)).astype(np.float32)


def train_pair(optimizer, steps, rows_per_step):
    """Gives our optimizer sparse gradients, and Keras's Adam the same ones, dense."""
    start = np.random.default_rng(9).normal(size=(V, UNITS)).astype(np.float32)
    ours, theirs = keras.Variable(start), keras.Variable(start)
    oracle = keras.optimizers.Adam(schedule())
    for rows, values in random_steps(steps, rows_per_step):
        optimizer.apply([slices(rows, values)], [ours])
        dense = np.zeros((V, UNITS), np.float32)
        dense[rows] = values
        oracle.apply([tf.constant(dense)], [theirs])
    return ours, theirs, oracle


def test_exact_adam_equals_keras_adam_on_sparse_gradients():
    optimizer = ExactAdam(schedule())
    ours, theirs, oracle = train_pair(optimizer, steps=15, rows_per_step=4)
    # The kernel computes 1 - beta in float32, Keras in float64: 1.3e-5 of the second moment.
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0, atol=5e-6)
    for mine, expected in zip(moments(optimizer), moments(oracle), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("chunk_bytes", [1, 3 * UNITS * 4, 2**21])
def test_lazy_rms_equals_its_rule_written_out(monkeypatch, chunk_bytes):
    monkeypatch.setattr(optimizers, "_CHUNK_BYTES", chunk_bytes)
    expected = np.random.default_rng(9).normal(size=(V, UNITS))
    ours, optimizer, rate = by_rows(expected), LazyRms(schedule()), schedule()
    seen = {row: [] for row in range(V)}
    for step, (rows, values) in enumerate(random_steps(12, 7)):
        optimizer.apply([slices(rows, values)], [ours])
        for row, gradient in zip(rows, values.astype(float), strict=True):
            seen[row].append(gradient)
            rms = np.sqrt(np.mean(np.square(seen[row])))
            expected[row] -= float(rate(step)) * gradient / (rms + 1e-7)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=2e-6)


def test_lazy_rms_leaves_other_rows_to_the_bit_and_keeps_two_numbers_a_row():
    variable = by_rows(np.random.default_rng(1).normal(size=(V, UNITS)))
    optimizer = LazyRms(0.1)
    everything = np.ones((V, UNITS), np.float32)
    optimizer.apply([slices(np.arange(V), everything)], [variable])
    before = [variable.numpy(), *moments(optimizer)]
    optimizer.apply([slices([2, 11], everything[:2] * 3)], [variable])
    after = [variable.numpy(), *moments(optimizer)]
    assert [kept.shape for kept in after] == [(V, UNITS), (V,), (V,)]
    others = np.setdiff1d(np.arange(V), [2, 11])
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new[others], old[others])
        assert (new[[2, 11]] != old[[2, 11]]).all()


@pytest.mark.parametrize("kind", [LazyRms, ExactAdam])
def test_rows_that_occur_twice_are_summed_first(kind):
    rows, values = [4, 1, 4, 4], np.arange(4 * UNITS, dtype=np.float32).reshape(4, UNITS) - 6
    summed = np.stack([values[[0, 2, 3]].sum(axis=0), values[1]])
    repeated, distinct = (by_rows(np.ones((V, UNITS))) for _ in range(2))
    first, second = kind(0.1), kind(0.1)
    for _ in range(3):
        first.apply([slices(rows, values)], [repeated])
        second.apply([slices([4, 1], summed)], [distinct])
    np.testing.assert_allclose(repeated.numpy(), distinct.numpy(), rtol=0, atol=1e-6)
    for mine, expected in zip(moments(first), moments(second), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", [LazyRms, ExactAdam])
def test_dense_gradients_get_keras_adam(kind):
    start = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)
    ours, theirs = keras.Variable(start), keras.Variable(start)
    optimizer, oracle = kind(schedule()), keras.optimizers.Adam(schedule())
    for seed in range(10):
        gradient = tf.constant(np.random.default_rng(seed).normal(size=(4, 3)), tf.float32)
        optimizer.apply([gradient], [ours])
        oracle.apply([gradient], [theirs])
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind", [LazyRms, ExactAdam])
@pytest.mark.parametrize("rows", [[], [3]])
def test_a_gradient_without_rows_or_of_zeros_changes_nothing(kind, rows):
    variable = by_rows(np.ones((V, UNITS)))
    kind(0.1).apply([slices(rows, np.zeros((len(rows), UNITS)))], [variable])
    np.testing.assert_array_equal(variable.numpy(), 1.0)
