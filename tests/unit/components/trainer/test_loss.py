"""The loss against its formula, and the weight of rare labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.loss import (
    MemberCrossentropy,
    binary_accuracy,
    mean_logits,
    positive_weights,
    prior_logits,
)

DICE = np.random.default_rng(0)
TRUTH = (DICE.random((5, 4)) < 0.4).astype(np.float32)
LOGITS = DICE.normal(0, 2, (5, 3, 4)).astype(np.float32)


def entropy(truth, logits, weights=1.0):
    p = 1 / (1 + np.exp(-logits.astype(float)))
    return -(weights * truth * np.log(p) + (1 - truth) * np.log(1 - p))


def test_one_member_without_weights_equals_the_keras_loss():
    expected = keras.losses.BinaryCrossentropy(from_logits=True)(TRUTH, LOGITS[:, 0])
    found = MemberCrossentropy()(tf.constant(TRUTH), tf.constant(LOGITS[:, 0]))
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_every_member_has_its_own_loss_and_positives_their_weight():
    weights = np.array([1.0, 2.0, 3.5, 1.25])
    expected = np.mean([entropy(TRUTH, LOGITS[:, m], weights) for m in range(3)])
    found = MemberCrossentropy(weights)(tf.constant(TRUTH), tf.constant(LOGITS))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_logits_are_averaged_over_the_members():
    np.testing.assert_allclose(mean_logits(tf.constant(LOGITS)), LOGITS.mean(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(mean_logits(tf.constant(LOGITS[:, 0])), LOGITS[:, 0])


def test_accuracy_is_of_the_averaged_logits():
    found = binary_accuracy(tf.constant(TRUTH), tf.constant(LOGITS))
    np.testing.assert_array_equal(found, (LOGITS.mean(axis=1) > 0) == TRUTH)


def test_rare_labels_weigh_more():
    counts = np.array([0, 100, 200, 10**6])
    expected = [5.0, 1 + 4 * np.exp(-0.5), 1 + 4 / np.e, 1.0]
    np.testing.assert_allclose(positive_weights(counts, 4.0), expected, rtol=1e-6)
    assert positive_weights(counts, 0.0).tolist() == [1.0] * 4


def test_prior_logits_are_finite_for_labels_of_no_or_all_papers():
    found = prior_logits(np.array([0, 3, 10]), 10)
    np.testing.assert_allclose(found, [-np.log(21), -np.log(7.5 / 3.5), np.log(21)], rtol=1e-6)
