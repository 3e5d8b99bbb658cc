"""TFMA's configuration: what is measured on the test split, and the bounds of the gate."""

from __future__ import annotations

from typing import Final

import tensorflow_model_analysis as tfma

from components.evaluator.paper_slices import NEW_TO_LAST_MODEL, SLICES, YES
from components.evaluator.settings import GateSettings
from components.metrics.names import EXAMPLES
from schema import names

# All test papers, and those that the last blessed model was not trained on (all of them if there
# is no such model).
OVERALL: Final = tfma.SlicingSpec()
COMPARED: Final = tfma.SlicingSpec(feature_values={NEW_TO_LAST_MODEL: YES})


def make_eval_config(gate: GateSettings) -> tfma.EvalConfig:
    """Builds the configuration of the Evaluator.

    The decision threshold is part of the model (its `evaluate` signature says which labels it
    suggests), so the configuration depends on the gate alone. Floors apply to all test papers,
    allowed drops to those that the last blessed model was not trained on. TFMA ignores drops if
    there is no such model.
    """
    metrics = tfma.MetricConfig(
        class_name="MultiLabelMetrics", module="components.evaluator.tfma_metrics"
    )
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                model_type="tf_generic",
                signature_name=names.SIGNATURE_EVALUATE,
                preprocessing_function_names=[names.SIGNATURE_TRANSFORM],
                label_key=names.LABELS,
            )
        ],
        slicing_specs=[
            OVERALL,
            *(tfma.SlicingSpec(feature_keys=[name]) for name in SLICES),
            COMPARED,
        ],
        metrics_specs=[tfma.MetricsSpec(metrics=[metrics], per_slice_thresholds=_thresholds(gate))],
    )


def _thresholds(gate: GateSettings) -> dict[str, tfma.PerSliceMetricThresholds]:
    # TFMA applies a threshold that names no slice to every slice.
    thresholds: dict[str, list[tfma.PerSliceMetricThreshold]] = {
        EXAMPLES: [_on(OVERALL, _at_least(gate.min_examples))]
    }
    for name, lowest in gate.floors.items():
        thresholds[name] = [_on(OVERALL, _at_least(lowest))]
    if gate.max_drop:
        thresholds[EXAMPLES].append(_on(COMPARED, _at_least(gate.min_examples)))
    for name, drop in gate.max_drop.items():
        thresholds.setdefault(name, []).append(_on(COMPARED, _drops_by(drop)))
    return {
        name: tfma.PerSliceMetricThresholds(thresholds=of_metric)
        for name, of_metric in thresholds.items()
    }


def _on(papers: tfma.SlicingSpec, threshold: tfma.MetricThreshold) -> tfma.PerSliceMetricThreshold:
    return tfma.PerSliceMetricThreshold(slicing_specs=[papers], threshold=threshold)


def _at_least(lowest: float) -> tfma.MetricThreshold:
    threshold = tfma.MetricThreshold()
    threshold.value_threshold.lower_bound.value = lowest
    return threshold


def _drops_by(drop: float) -> tfma.MetricThreshold:
    threshold = tfma.MetricThreshold()
    threshold.change_threshold.direction = tfma.MetricDirection.HIGHER_IS_BETTER
    threshold.change_threshold.absolute.value = 0.0 - drop
    return threshold
