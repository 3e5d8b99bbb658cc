"""The combiner against scikit-learn, whatever way Beam deals the examples out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.tfma_metrics import (
    METRIC_NAMES,
    ROWS_AT_ONCE,
    MultiLabelCombiner,
    MultiLabelMetrics,
)
from schema import names
from tests.unit.evaluator.splits import Split, random_split, scikit_learn_figures


def inputs(split: Split, model_name: str = "") -> list[metric_types.StandardMetricInputs]:
    """The examples as TFMA hands them to a metric; other models' figures lie beside them."""

    def of_models(value, wrong):
        return {model_name: value, "another": wrong} if model_name else value

    return [
        metric_types.StandardMetricInputs(
            {
                "labels": of_models(split.truth[row], 1 - split.truth[row]),
                "predictions": of_models(
                    {
                        names.OUTPUT_PROBABILITIES: split.probabilities[row],
                        names.OUTPUT_SUGGESTED: split.suggested[row],
                    },
                    {},
                ),
                "transformed_features": of_models(
                    {names.UNKNOWN_LABELS: np.array([split.unknown[row]])},
                    {names.UNKNOWN_LABELS: np.array([99])},
                ),
            }
        )
        for row in range(len(split))
    ]


def combine(combiner, rows):
    sums = combiner.create_accumulator()
    for row in rows:
        sums = combiner.add_input(sums, row)
    return sums


def figures(split: Split, model_name: str = "") -> dict[str, float]:
    combiner = MultiLabelCombiner(model_name)
    return combiner.extract_output(combine(combiner, inputs(split, model_name)))


def assert_close(found, expected):
    assert set(found) == set(METRIC_NAMES) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


CASES = {
    "plain": random_split(60, 12, seed=1),
    "ties": random_split(60, 12, seed=2, levels=3),
    "unknown labels": random_split(60, 12, seed=3, most_unknown=4),
    "ties and unknown labels": random_split(60, 7, seed=4, levels=2, most_unknown=2),
    "fewer than five labels": random_split(60, 3, seed=5, density=0.5, most_unknown=2),
    "one label": random_split(30, 1, seed=6, density=0.5, most_unknown=1),
    "labels that are never true": random_split(40, 60, seed=7, density=0.01),
    "nothing true": random_split(10, 6, seed=8, density=0.0),
    "everything true": random_split(10, 6, seed=9, density=1.1),
    "nothing suggested": random_split(20, 6, seed=10, threshold=2.0),
    "everything suggested": random_split(20, 6, seed=11, threshold=0.0),
    "one example": random_split(1, 8, seed=12, density=0.4, most_unknown=3),
    "more than are scored at once": random_split(2 * ROWS_AT_ONCE + 7, 9, seed=13, most_unknown=1),
}


@pytest.mark.parametrize("split", CASES.values(), ids=CASES.keys())
def test_figures_equal_scikit_learn(split):
    assert_close(figures(split), scikit_learn_figures(split))


def test_only_the_named_model_is_read():
    split = CASES["unknown labels"]
    assert_close(figures(split, "candidate"), scikit_learn_figures(split))


@pytest.mark.parametrize("parts", [1, 2, 7, 40])
def test_any_partition_gives_the_same_figures(parts):
    split = random_split(ROWS_AT_ONCE + 90, 8, seed=14, levels=5, most_unknown=2)
    rng = np.random.default_rng(parts)
    order = rng.permutation(len(split))
    rows = inputs(split)
    combiner = MultiLabelCombiner("")
    # Some workers get no example at all; their sums come first, last and in between.
    bounds = np.sort(rng.integers(0, len(split) + 1, parts - 1))
    shares = np.split(order, bounds)
    sums = [combine(combiner, [rows[i] for i in share]) for share in [[], *shares, []]]
    middle = len(sums) // 2
    # Beam merges in trees.
    merged = combiner.merge_accumulators(
        [combiner.merge_accumulators(sums[:middle]), combiner.merge_accumulators(sums[middle:])]
    )
    assert_close(combiner.extract_output(merged), scikit_learn_figures(split))


def test_examples_may_follow_a_merge():
    split = random_split(50, 8, seed=15, most_unknown=1)
    rows = inputs(split)
    combiner = MultiLabelCombiner("")
    sums = combiner.merge_accumulators([combine(combiner, rows[:20])])
    for row in rows[20:]:
        sums = combiner.add_input(sums, row)
    first = combiner.extract_output(sums)
    assert_close(first, scikit_learn_figures(split))
    assert combiner.extract_output(sums) == first


def test_an_unknown_label_counts_as_missed():
    """By hand: one label of two is known, and it is the only suggestion."""
    split = Split(
        truth=np.array([[1.0, 0.0]]),
        probabilities=np.array([[0.9, 0.1]], np.float32),
        suggested=np.array([[1.0, 0.0]]),
        unknown=np.array([1]),
    )
    found = figures(split)
    assert found["micro_f1"] == pytest.approx(2 / 3)
    assert found["binary_accuracy"] == pytest.approx(2 / 3)
    assert found["lrap"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["macro_f1"] == pytest.approx(1 / 2)
    assert found["precision@1"] == 1.0


def test_no_example_has_no_figures():
    combiner = MultiLabelCombiner("")
    found = combiner.extract_output(combiner.merge_accumulators([combiner.create_accumulator()]))
    assert found.pop("examples") == 0.0
    assert all(math.isnan(value) for value in found.values())


def test_a_probability_that_is_no_number_is_an_error():
    split = random_split(3, 4, seed=16)
    split.probabilities[1, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        figures(split)


@pytest.mark.parametrize("models", [[""], ["candidate", "baseline"]])
def test_each_model_has_keys_of_its_own(models):
    computations = MultiLabelMetrics().computations(model_names=models)
    assert [{key.model_name for key in each.keys} for each in computations] == [
        {name} for name in models
    ]
    assert [key.name for key in computations[0].keys] == list(METRIC_NAMES)
