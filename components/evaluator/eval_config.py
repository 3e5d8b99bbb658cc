"""TFMA's configuration: what is measured on the test split, and the bounds of the gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.paper_slices import NEW_TO_LAST_MODEL, SLICES, YES
from components.evaluator.settings import NO_BASELINES, Ceilings, Floors, GateSettings
from components.metrics.names import EXAMPLES
from schema import names
from schema.errors import UsageError

# All test papers, and those that the last blessed model was not trained on (all of them if there
# is no such model).
OVERALL: Final = config_pb2.SlicingSpec()
COMPARED: Final = config_pb2.SlicingSpec(feature_values={NEW_TO_LAST_MODEL: YES})


def make_eval_config(gate: GateSettings) -> config_pb2.EvalConfig:
    """Builds the configuration of the Evaluator.

    The decision threshold is part of the model (its `evaluate` signature says which labels it
    suggests), so the configuration depends on the gate alone. Floors and ceilings apply to all
    test papers or a slice, allowed drops to those that the last blessed model was not trained on.
    TFMA ignores drops if there is no such model. A drop on all test papers is one below the best
    baseline, for `hold_to_baselines`.
    """
    metrics = config_pb2.MetricConfig(
        class_name="MultiLabelMetrics", module="components.evaluator.tfma_metrics"
    )
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                model_type="tf_generic",
                signature_name=names.SIGNATURE_EVALUATE,
                preprocessing_function_names=[names.SIGNATURE_TRANSFORM],
                label_key=names.LABELS,
            )
        ],
        slicing_specs=[
            OVERALL,
            *(config_pb2.SlicingSpec(feature_keys=[name]) for name in SLICES),
            COMPARED,
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(metrics=[metrics], per_slice_thresholds=_thresholds(gate))
        ],
    )


def hold_to_baselines(
    config: config_pb2.EvalConfig, figures: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, Any]]:
    """Turns the allowed drops below the best baseline into floors.

    Args:
        config: The configuration; changed in place.
        figures: The metrics of each baseline.

    Returns:
        By metric, the best baseline (`best_baseline`) and the drop (`max_drop`).

    Raises:
        UsageError: There is such a drop, and no baseline.
    """
    held = {}
    (spec,) = config.metrics_specs
    for metric, of_metric in spec.per_slice_thresholds.items():
        for each in of_metric.thresholds:
            if OVERALL in each.slicing_specs and each.threshold.HasField("change_threshold"):
                if not figures:
                    raise UsageError(NO_BASELINES)
                best = max(figures, key=lambda name: figures[name][metric])
                drop = -each.threshold.change_threshold.absolute.value
                each.threshold.CopyFrom(_at_least(figures[best][metric] - drop))
                held[metric] = {"best_baseline": best, "max_drop": drop}
    return held


def _thresholds(gate: GateSettings) -> dict[str, config_pb2.PerSliceMetricThresholds]:
    # TFMA applies a threshold that names no slice to every slice.
    thresholds: dict[str, list[config_pb2.PerSliceMetricThreshold]] = {EXAMPLES: []}
    for papers, floors, ceilings in _bounds(gate):
        thresholds[EXAMPLES].append(_on(papers, _at_least(gate.min_examples)))
        for name, lowest in floors.items():
            thresholds.setdefault(name, []).append(_on(papers, _at_least(lowest)))
        for name, highest in ceilings.items():
            thresholds.setdefault(name, []).append(_on(papers, _at_most(highest)))
    if gate.max_drop:
        thresholds[EXAMPLES].append(_on(COMPARED, _at_least(gate.min_examples)))
    for name, drop in gate.max_drop.items():
        thresholds.setdefault(name, []).append(_on(COMPARED, _drops_by(drop)))
    for name, drop in gate.max_drop_from_baseline.items():
        # After floor and ceiling, if there are any: `read_gate` tells them apart by that.
        thresholds.setdefault(name, []).append(_on(OVERALL, _drops_by(drop)))
    return {
        name: config_pb2.PerSliceMetricThresholds(thresholds=of_metric)
        for name, of_metric in thresholds.items()
    }


def _bounds(gate: GateSettings) -> Iterator[tuple[config_pb2.SlicingSpec, Floors, Ceilings]]:
    yield OVERALL, gate.floors, gate.ceilings
    for name in SLICES:
        floors, ceilings = (each.get(name, {}) for each in (gate.slice_floors, gate.slice_ceilings))
        for value in dict.fromkeys((*floors, *ceilings)):
            papers = config_pb2.SlicingSpec(feature_values={name: value})
            yield papers, floors.get(value, {}), ceilings.get(value, {})


def _on(
    papers: config_pb2.SlicingSpec, threshold: config_pb2.MetricThreshold
) -> config_pb2.PerSliceMetricThreshold:
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[papers], threshold=threshold)


def _at_least(lowest: float) -> config_pb2.MetricThreshold:
    threshold = config_pb2.MetricThreshold()
    threshold.value_threshold.lower_bound.value = lowest
    return threshold


def _at_most(highest: float) -> config_pb2.MetricThreshold:
    threshold = config_pb2.MetricThreshold()
    threshold.value_threshold.upper_bound.value = highest
    return threshold


def _drops_by(drop: float) -> config_pb2.MetricThreshold:
    threshold = config_pb2.MetricThreshold()
    threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
    threshold.change_threshold.absolute.value = 0.0 - drop
    return threshold
