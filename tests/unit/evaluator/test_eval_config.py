"""What TFMA makes of the gate's settings, figure by figure, without a run of Beam."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from pydantic import ValidationError
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.eval_config import make_eval_config
from components.evaluator.results import Refusal
from components.evaluator.settings import GateSettings

FIGURES = {"micro_f1": 0.6, "lrap": 0.8, "precision@1": 0.9, "binary_accuracy": 0.99}
NAN = float("nan")


def refused(gate, figures, before=None, examples=100.0):
    """The metrics that TFMA refuses; prepared as TFX's Evaluator prepares it."""
    config = tfma.utils.update_eval_config_with_defaults(
        make_eval_config(gate), has_baseline=before is not None, rubber_stamp=True
    )
    tfma.utils.verify_eval_config(config)

    def key(name, model="candidate", is_diff=False):
        return metric_types.MetricKey(
            name=name, model_name=model if before else "", is_diff=is_diff, example_weighted=None
        )

    metrics = {key("examples"): np.float64(examples)}
    for name, value in figures.items():
        metrics[key(name)] = value
        if before:
            metrics[key(name, "baseline")] = before[name]
            metrics[key(name, is_diff=True)] = value - before[name]
    result = validate_metrics(((), metrics), config)
    failures = [each for part in result.metric_validations_per_slice for each in part.failures]
    assert result.validation_ok == (not failures)
    return sorted(failure.metric_key.name for failure in failures)


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


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (Refusal("lrap", 0.71239, 0.8, False), "lrap is 0.7124, must be at least 0.8000"),
        (
            Refusal("lrap", 0.79999, 0.8, False),
            "lrap is 0.799990000, must be at least 0.800000000",
        ),
        (Refusal("examples", 12.0, 50.0, False), "examples is 12, must be at least 50"),
        (
            Refusal("micro_f1", -0.0233, -0.01, True),
            "micro_f1 changed by -0.0233, allowed is -0.0100",
        ),
        (
            Refusal("micro_f1", -0.00001, 0.0, True),
            "micro_f1 changed by -0.000010000, allowed is +0.000000000",
        ),
    ],
)
def test_a_refusal_says_what_is_missing(refusal, text):
    assert str(refusal) == text
