"""The TFMA configuration: what is measured on the test split, and what must be reached."""

from __future__ import annotations

import tensorflow_model_analysis as tfma

from components.evaluator.settings import GateSettings
from components.evaluator.tfma_metrics import EXAMPLES
from schema import names


def make_eval_config(gate: GateSettings) -> tfma.EvalConfig:
    """Builds the configuration of the Evaluator.

    The decision threshold lives in the model (its `evaluate` signature says which labels it
    suggests), so the configuration depends on the gate alone.
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
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[tfma.MetricsSpec(metrics=[metrics], thresholds=_thresholds(gate))],
    )


def _thresholds(gate: GateSettings) -> dict[str, tfma.MetricThreshold]:
    examples = tfma.MetricThreshold()
    examples.value_threshold.lower_bound.value = gate.min_examples
    thresholds = {EXAMPLES: examples}
    for metric in sorted({*gate.floors, *gate.max_drop}):
        threshold = tfma.MetricThreshold()
        if metric in gate.floors:
            threshold.value_threshold.lower_bound.value = gate.floors[metric]
        if metric in gate.max_drop:
            threshold.change_threshold.direction = tfma.MetricDirection.HIGHER_IS_BETTER
            threshold.change_threshold.absolute.value = 0.0 - gate.max_drop[metric]
        thresholds[metric] = threshold
    return thresholds
