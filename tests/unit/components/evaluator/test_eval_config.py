"""How TFMA applies the gate's bounds to given metrics, without a run of Beam."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.eval_config import make_eval_config
from components.evaluator.settings import GateSettings

FIGURES = {"micro_f1": 0.6, "lrap": 0.8, "precision@1": 0.9, "binary_accuracy": 0.99}
NAN = float("nan")
OVERALL = ()
COMPARED = (("new_to_last_model", "yes"),)
# No bound applies to it, however bad a model is there.
OTHER = (("archive", "cs"),)
BAD = dict.fromkeys(FIGURES, 0.0)


def refused(gate, figures, before=None, examples=100.0, compared=None):
    """The metrics that TFMA refuses; prepared as TFX's Evaluator prepares it.

    Args:
        gate: The gate.
        figures: The candidate's metrics, on all papers and on the compared ones.
        before: The last blessed model's, likewise.
        examples: Number of all papers.
        compared: Number of compared papers; all of them if None, no such slice if 0.
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
        (NAN, 1.0, ["lrap"]),
    ],
)
def test_a_drop_is_measured_against_the_last_model(value, max_drop, expected):
    gate = GateSettings(max_drop={"lrap": max_drop, "micro_f1": 0.01})
    assert refused(gate, changed(lrap=value), before=FIGURES) == expected
    assert refused(gate, changed(lrap=value)) == []


def test_a_comparison_needs_as_many_papers_as_a_floor():
    gate = GateSettings(max_drop={"lrap": 1.0}, min_examples=50)
    assert refused(gate, FIGURES, before=FIGURES, compared=50.0) == []
    assert refused(gate, FIGURES, before=FIGURES, compared=49.0) == ["examples"]


def test_nothing_passes_against_a_last_model_with_nan():
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
    """TFX blesses nothing without a threshold."""
    config = tfma.utils.update_eval_config_with_defaults(
        make_eval_config(GateSettings()), has_baseline=before is not None, rubber_stamp=True
    )
    assert tfma.metrics.metric_thresholds_from_metrics_specs(
        config.metrics_specs, eval_config=config
    )
    assert refused(GateSettings(), FIGURES, before, examples=0.0) == ["examples"]
