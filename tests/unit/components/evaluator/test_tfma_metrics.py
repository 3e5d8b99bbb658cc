"""The combiners against scikit-learn, however Beam distributes the examples."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.tfma_metrics import (
    BATCH_SIZE,
    CANDIDATE_NAMES,
    LABEL_NAMES,
    PREFIXED_NAMES,
    BaselineCombiner,
    CandidateCombiner,
    MultiLabelMetrics,
)
from components.metrics.names import METRIC_NAMES
from components.metrics.sums import COMPARED_NAMES
from schema import names
from tests.support.evaluator_splits import (
    Split,
    random_split,
    scikit_learn_figures,
    scikit_learn_labels,
)


def of_abstracts(split: Split) -> Split:
    """The same model's other answers for the abstracts alone."""
    other = random_split(len(split), split.truth.shape[1], seed=99, threshold=0.3)
    return Split(split.truth, other.probabilities, other.suggested, split.unknown)


def inputs(
    split: Split, model_name: str = "", of_old: bool = False
) -> list[metric_types.StandardMetricInputs]:
    """The examples as TFMA hands them to a metric, with another model's outputs beside them.

    A model pushed by an older version has no output for the abstracts alone.
    """
    alone = of_abstracts(split)

    def of_models(value, wrong):
        return {model_name: value, "another": wrong} if model_name else value

    def predictions(row):
        found = {
            names.OUTPUT_PROBABILITIES: split.probabilities[row],
            names.OUTPUT_SUGGESTED: split.suggested[row],
        }
        if not of_old:
            found[names.OUTPUT_ABSTRACT_ONLY + names.OUTPUT_PROBABILITIES] = alone.probabilities[
                row
            ]
            found[names.OUTPUT_ABSTRACT_ONLY + names.OUTPUT_SUGGESTED] = alone.suggested[row]
        return found

    return [
        metric_types.StandardMetricInputs(
            {
                "labels": of_models(split.truth[row], 1 - split.truth[row]),
                "predictions": of_models(predictions(row), {}),
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
    combiner = CandidateCombiner(model_name)
    return combiner.extract_output(combine(combiner, inputs(split, model_name)))


def assert_right(found, split: Split) -> None:
    """Every metric of a candidate is scikit-learn's."""
    assert list(found) == [*METRIC_NAMES, *PREFIXED_NAMES, *LABEL_NAMES]
    metrics = scikit_learn_figures(split)
    parts = {
        "abstract_only": scikit_learn_figures(of_abstracts(split)),
        "vocabulary_only": scikit_learn_figures(
            replace(split, unknown=np.zeros_like(split.unknown))
        ),
    }
    assert list(metrics) == list(METRIC_NAMES)
    for name in METRIC_NAMES:
        assert found[name] == pytest.approx(metrics[name], abs=1e-12), name
    for name in PREFIXED_NAMES:
        prefix, metric = name.split("/")
        assert found[name] == pytest.approx(parts[prefix][metric], abs=1e-12), name
    labels = scikit_learn_labels(split)
    assert [name.split("/")[1] for name in LABEL_NAMES] == list(labels)
    for name in LABEL_NAMES:
        expected = labels[name.split("/")[1]]
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-12, err_msg=name)
        # TFMA writes other types as text.
        assert found[name].dtype == np.float64


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
    "several batches": random_split(2 * BATCH_SIZE + 7, 9, seed=13, most_unknown=1),
}


@pytest.mark.parametrize("split", CASES.values(), ids=CASES.keys())
def test_metrics_equal_scikit_learn(split):
    assert_right(figures(split), split)
    # Only the named model is read.
    assert_right(figures(split, "candidate"), split)


@pytest.mark.parametrize("split", CASES.values(), ids=CASES.keys())
def test_metrics_of_a_baseline_equal_scikit_learn(split):
    combiner = BaselineCombiner("baseline")
    found = combiner.extract_output(combine(combiner, inputs(split, "baseline", of_old=True)))
    expected = scikit_learn_figures(split)
    assert found == {name: pytest.approx(expected[name], abs=1e-12) for name in COMPARED_NAMES}


@pytest.mark.parametrize("parts", [1, 2, 7, 40])
def test_any_partition_gives_the_same_metrics(parts):
    split = random_split(BATCH_SIZE + 90, 8, seed=14, levels=5, most_unknown=2)
    rng = np.random.default_rng(parts)
    order = rng.permutation(len(split))
    rows = inputs(split)
    combiner = CandidateCombiner("")
    # Some workers get no example at all; their sums come first, last and in between.
    bounds = np.sort(rng.integers(0, len(split) + 1, parts - 1))
    shares = np.split(order, bounds)
    sums = [combine(combiner, [rows[i] for i in share]) for share in [[], *shares, []]]
    middle = len(sums) // 2
    # Beam merges in trees.
    merged = combiner.merge_accumulators(
        [combiner.merge_accumulators(sums[:middle]), combiner.merge_accumulators(sums[middle:])]
    )
    assert_right(combiner.extract_output(merged), split)


def test_examples_may_follow_a_merge():
    split = random_split(50, 8, seed=15, most_unknown=1)
    rows = inputs(split)
    combiner = CandidateCombiner("")
    sums = combiner.merge_accumulators([combine(combiner, rows[:20])])
    for row in rows[20:]:
        sums = combiner.add_input(sums, row)
    first = combiner.extract_output(sums)
    assert_right(first, split)
    assert_right(combiner.extract_output(sums), split)


def test_compacted_sums_hold_no_waiting_examples():
    """Beam sends them between workers: waiting examples would be sent whole."""
    split = random_split(30, 8, seed=17, most_unknown=1)
    combiner = CandidateCombiner("")
    sums = combine(combiner, inputs(split))
    compacted = combiner.compact(sums)
    assert sums.waiting
    assert not compacted.waiting
    assert combiner.compact(compacted) is compacted
    assert_right(combiner.extract_output(compacted), split)


def test_without_an_example_metrics_are_nan():
    combiner = CandidateCombiner("")
    found = combiner.extract_output(combiner.merge_accumulators([combiner.create_accumulator()]))
    assert list(found) == list(CANDIDATE_NAMES)
    assert found.pop("examples") == 0.0
    for name in LABEL_NAMES:
        assert found.pop(name).shape == (0,)
    assert all(math.isnan(value) for value in found.values())


def test_a_nan_probability_is_an_error():
    split = random_split(3, 4, seed=16)
    split.probabilities[1, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        figures(split)


@pytest.mark.parametrize("models", [[""], ["candidate", "baseline"]])
def test_each_model_has_its_own_keys(models):
    specs = [config_pb2.ModelSpec(name=name, is_baseline=name == "baseline") for name in models]
    computations = MultiLabelMetrics().computations(
        eval_config=config_pb2.EvalConfig(model_specs=specs), model_names=models
    )
    assert [{key.model_name for key in each.keys} for each in computations] == [
        {name} for name in models
    ]
    expected = [list(CANDIDATE_NAMES), list(COMPARED_NAMES)][: len(models)]
    assert [[key.name for key in each.keys] for each in computations] == expected
    for each, split_names in zip(computations, expected, strict=True):
        empty = each.combiner.extract_output(each.combiner.create_accumulator())
        assert list(empty) == each.keys
        assert [key.name for key in empty] == split_names
