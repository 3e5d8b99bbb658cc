"""Counts per label, where there is nothing to count; `test_tfma_metrics` has scikit-learn's."""

import numpy as np
import pytest

from components.metrics.classification import (
    binary_accuracy,
    count_labels,
    example_f1,
    example_is_covered,
    hamming_loss,
    label_f1,
    macro_average,
    micro_f1,
    micro_precision,
    micro_recall,
)


@pytest.mark.parametrize(
    "metric",
    [micro_f1, micro_precision, micro_recall, hamming_loss, binary_accuracy,
     lambda counts: macro_average(label_f1(counts))],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0)])
def test_nothing_to_count_is_zero(metric, shape):
    assert metric(count_labels(np.zeros(shape), np.zeros(shape), 0.5)) == 0.0


def test_thresholds_are_compared_in_the_type_of_the_probabilities_for_each_label():
    rng = np.random.default_rng(9)
    truth, scores = (rng.random((40, 3)) < 0.4).astype(int), rng.random((40, 3), np.float32)
    # 0.1 is no float32: the nearest one reaches it.
    scores[0] = 0.1
    thresholds = np.array([0.1, 0.5, 1.0])
    counts = count_labels(truth, scores, thresholds)
    suggested = scores >= thresholds.astype(np.float32)
    np.testing.assert_array_equal(counts.suggested, suggested.sum(axis=0))
    np.testing.assert_array_equal(counts.true_positives, (suggested & (truth == 1)).sum(axis=0))
    assert suggested[0, 0]


@pytest.mark.parametrize("metric", [example_f1, example_is_covered])
def test_shapes_that_differ_are_refused(metric):
    with pytest.raises(ValueError, match="must both be"):
        metric(np.zeros((2, 3)), np.zeros((2, 4)))
    assert metric(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)
