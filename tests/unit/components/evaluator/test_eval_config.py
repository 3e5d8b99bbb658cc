"""What TFMA makes of the gate's settings, figure by figure, without a run of Beam."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from pydantic import ValidationError
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.eval_config import make_eval_config
from components.evaluator.gate import GateRow
from components.evaluator.settings import GateSettings

FIGURES = {"micro_f1": 0.6, "lrap": 0.8, "precision@1": 0.9, "binary_accuracy": 0.99}
NAN = float("nan")
OVERALL = ()
COMPARED = (("new_to_last_model", "yes"),)
# No bound holds on it: it must not matter how bad a model is there.
OTHER = (("archive", "cs"),)
BAD = dict.fromkeys(FIGURES, 0.0)


def refused(gate, figures, before=None, examples=100.0, compared=None):
    """The metrics that TFMA refuses; prepared as TFX's Evaluator prepares it.

    Args:
        gate: The gate.
        figures: The candidate's, on all papers and on the compared ones.
        before: The last blessed model's, likewise.
        examples: The number of all papers.
        compared: The number of compared ones; as many where None, no such slice where 0.
    """
    config = tfma.utils.update_eval_config_with_defaults(
        make_eval_config(gate), has_baseline=before is not None, rubber_stamp=True
    )
    tfma.utils.verify_eval_config(config)

    def key(name, model="candidate", is_diff=False):
        return metric_types.MetricKey(
            name=name, model_name=model if before else "", is_diff=is_diff, example_weighted=None
        )

    def measured(figures, before, examples):
        metrics = {key("examples"): np.float64(examples)}
        for name, value in figures.items():
            metrics[key(name)] = value
            if before:
                metrics[key(name, "baseline")] = before[name]
                metrics[key(name, is_diff=True)] = value - before[name]
        return metrics

    slices = {OVERALL: (figures, before, examples), OTHER: (BAD, before and FIGURES, 0.0)}
    if compared != 0:
        slices[COMPARED] = (figures, before, compared or examples)
    failures, details = [], []
    for name, part in slices.items():
        result = metrics_validator.validate_metrics((name, measured(*part)), config)
        details.extend(result.validation_details.slicing_details)
        for per_slice in result.metric_validations_per_slice:
            failures.extend(failure.metric_key.name for failure in per_slice.failures)
    missing = metrics_validator.get_missing_slices(details, config)
    return sorted(failures) + ["no paper"] * len(missing)


def changed(**figures):
    return {
        **FIGURES,
        **{name.replace("precision_at_", "precision@"): v for name, v in figures.items()},
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.6, []),
        (np.nextafter(0.6, 1), []),
        (np.nextafter(0.6, 0), ["micro_f1"]),
        (0.0, ["micro_f1"]),
        (NAN, ["micro_f1"]),
    ],
)
def test_a_floor_is_the_lowest_value_that_passes(value, expected):
    gate = GateSettings(floors={"micro_f1": 0.6, "lrap": 0.8})
    assert refused(gate, changed(micro_f1=value)) == expected
    better = changed(micro_f1=0.1)
    assert refused(gate, changed(micro_f1=value), before=better) == expected


@pytest.mark.parametrize(
    ("value", "max_drop", "expected"),
    [
        (0.8, 0.0, []),
        (np.nextafter(0.8, 1), 0.0, []),
        (np.nextafter(0.8, 0), 0.0, ["lrap"]),
        (0.55, 0.25, []),
        (0.54, 0.25, ["lrap"]),
        (0.81, -0.25, ["lrap"]),
        (NAN, 1.0, ["lrap"]),
    ],
)
def test_a_drop_is_measured_against_the_last_model(value, max_drop, expected):
    gate = GateSettings(max_drop={"lrap": max_drop, "micro_f1": 0.01})
    assert refused(gate, changed(lrap=value), before=FIGURES) == expected
    assert refused(gate, changed(lrap=value)) == []


def test_bounds_hold_on_their_own_papers():
    """Floors on all of them, drops on those that are new to the last model."""
    config = make_eval_config(GateSettings(floors={"lrap": 0.5}, max_drop={"lrap": 0.1}))
    (spec,) = config.metrics_specs
    assert not spec.thresholds
    floor, drop = spec.per_slice_thresholds["lrap"].thresholds
    assert [dict(each.feature_values) for each in floor.slicing_specs] == [{}]
    assert [dict(each.feature_values) for each in drop.slicing_specs] == [dict(COMPARED)]
    assert floor.threshold.value_threshold.lower_bound.value == 0.5
    assert drop.threshold.change_threshold.absolute.value == -0.1


def test_no_paper_to_compare_on_is_refused():
    gate = GateSettings(max_drop={"lrap": 1.0})
    assert refused(gate, FIGURES, before=FIGURES, compared=0) == ["no paper"]
    assert refused(GateSettings(), FIGURES, before=FIGURES, compared=0) == []


def test_a_comparison_rests_on_as_many_papers_as_a_floor():
    gate = GateSettings(max_drop={"lrap": 1.0}, min_examples=50)
    assert refused(gate, FIGURES, before=FIGURES, compared=50.0) == []
    assert refused(gate, FIGURES, before=FIGURES, compared=49.0) == ["examples"]


def test_a_last_model_without_a_figure_lets_nothing_pass():
    gate = GateSettings(max_drop={"lrap": 1.0})
    assert refused(gate, FIGURES, before=changed(lrap=NAN)) == ["lrap"]


def test_a_metric_may_have_both_bounds():
    gate = GateSettings(floors={"micro_f1": 0.5}, max_drop={"micro_f1": 0.1})
    assert refused(gate, changed(micro_f1=0.55), before=FIGURES) == []
    assert refused(gate, changed(micro_f1=0.55), before=changed(micro_f1=0.7)) == ["micro_f1"]
    assert refused(gate, changed(micro_f1=0.4), before=changed(micro_f1=0.4)) == ["micro_f1"]
    assert refused(gate, changed(micro_f1=0.4), before=FIGURES) == ["micro_f1", "micro_f1"]


@pytest.mark.parametrize("before", [None, FIGURES])
def test_too_few_examples_are_refused(before):
    gate = GateSettings(min_examples=50)
    assert refused(gate, FIGURES, before, examples=50.0) == []
    assert refused(gate, FIGURES, before, examples=49.0) == ["examples"]


@pytest.mark.parametrize("before", [None, FIGURES])
def test_there_is_always_a_gate(before):
    """TFX blesses nothing where there is no threshold."""
    config = tfma.utils.update_eval_config_with_defaults(
        make_eval_config(GateSettings()), has_baseline=before is not None, rubber_stamp=True
    )
    assert tfma.metrics.metric_thresholds_from_metrics_specs(
        config.metrics_specs, eval_config=config
    )
    assert refused(GateSettings(), FIGURES, before, examples=0.0) == ["examples"]


def test_at_least_one_example_is_always_asked_for():
    with pytest.raises(ValidationError, match="min_examples"):
        GateSettings(min_examples=0)


def floor(metric, candidate, bound, passed=False):
    return GateRow(metric, candidate, None, bound, is_change=False, passed=passed, papers=100)


def change(metric, candidate, baseline, bound, passed=False):
    return GateRow(metric, candidate, baseline, bound, is_change=True, passed=passed, papers=90)


@pytest.mark.parametrize(
    ("row", "text", "bound"),
    [
        (
            floor("lrap", 0.71239, 0.8),
            "lrap is 0.7124, must be at least 0.8000",
            "at least 0.8000",
        ),
        (
            floor("lrap", 0.79999, 0.8),
            "lrap is 0.799990000, must be at least 0.800000000",
            "at least 0.800000000",
        ),
        (
            floor("lrap", 0.80001, 0.8, passed=True),
            "lrap is 0.8000, must be at least 0.8000",
            "at least 0.8000",
        ),
        (floor("examples", 12.0, 50.0), "examples is 12, must be at least 50", "at least 50"),
        (
            change("micro_f1", 0.7, 0.7233, -0.01),
            "micro_f1 changed by -0.0233, allowed is -0.0100",
            "at least the last - 0.0100",
        ),
        (
            change("micro_f1", 0.69999, 0.7, 0.0),
            "micro_f1 changed by -0.000010000, allowed is +0.000000000",
            "at least the last",
        ),
        (
            change("micro_f1", 0.75, 0.7, 0.1),
            "micro_f1 changed by +0.0500, allowed is +0.1000",
            "at least the last + 0.1000",
        ),
    ],
)
def test_a_row_says_what_was_reached_and_what_had_to_be(row, text, bound):
    assert str(row) == text
    assert row.bound_in_words == bound


def test_a_row_without_papers_to_compare_says_why_and_what_to_do():
    row = GateRow("compared_examples", 3, None, 10, False, False, papers=3, left_out=1_997)
    assert str(row).startswith("3 test papers are new to the last blessed model, must be at least")
    assert "trained on the other 1,997" in str(row)
    assert "data.seed" in str(row)
    assert "gate.max_drop" in str(row)
