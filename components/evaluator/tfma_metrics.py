"""The multi-label metrics as one TFMA metric: sums over examples that Beam can merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, Final

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import model_util

from components.metrics.inputs import Array
from components.metrics.names import (
    ABSTRACT_ONLY,
    EXAMPLES,
    HEADLINE,
    LABEL_METRICS,
    METRIC_NAMES,
    VOCABULARY_ONLY,
)
from components.metrics.sums import COMPARED_NAMES, sum_compared, sum_labels, sum_metrics
from schema import names

# Number of examples that are scored together.
BATCH_SIZE: Final = 256

PREFIXED_NAMES: Final = tuple(
    f"{prefix}{name}"
    for prefix in (ABSTRACT_ONLY, VOCABULARY_ONLY)
    for name in METRIC_NAMES
    if name in HEADLINE
)

# Prefix of the candidate's metrics of each label: arrays [L].
LABELS: Final = "labels/"
LABEL_NAMES: Final = tuple(f"{LABELS}{name}" for name in LABEL_METRICS)

CANDIDATE_NAMES: Final = (*METRIC_NAMES, *PREFIXED_NAMES, *LABEL_NAMES)

_OUTPUTS: Final = (names.OUTPUT_PROBABILITIES, names.OUTPUT_SUGGESTED)
_ABSTRACT_ONLY_OUTPUTS: Final = tuple(names.OUTPUT_ABSTRACT_ONLY + each for each in _OUTPUTS)


@dataclass
class Sums:
    """Sums over the examples seen so far, and the examples not yet added to them.

    Attributes:
        parts: Sums of `components.metrics.sums` by the prefix of their metrics; empty before the
            first batch.
        waiting: The columns of each other example: vectors [L], and the number of unknown labels.
    """

    parts: Mapping[str, Any] = field(default_factory=dict)
    waiting: list[dict[str, Array]] = field(default_factory=list)


class BaselineCombiner(beam.CombineFn):
    """Computes what the gate needs to know of the last blessed model, as scikit-learn does."""

    metric_names: tuple[str, ...] = COMPARED_NAMES
    outputs: tuple[str, ...] = _OUTPUTS

    def __init__(
        self, model_name: str, keys: Mapping[str, metric_types.MetricKey] | None = None
    ) -> None:
        """Creates the combiner of one of the compared models.

        Args:
            model_name: TFMA's name of the model.
            keys: TFMA's key of each metric; None leaves the names.
        """
        self._model_name = model_name
        self._keys = keys or {}

    def create_accumulator(self) -> Sums:
        """Starts with no example."""
        return Sums()

    def add_input(self, sums: Sums, inputs: metric_types.StandardMetricInputs) -> Sums:
        """Adds an example."""
        sums.waiting.append(self._read_example(inputs))
        return self.compact(sums) if len(sums.waiting) >= BATCH_SIZE else sums

    def merge_accumulators(self, accumulators: Iterable[Sums]) -> Sums:
        """Adds the sums of several workers."""
        return _merge(self.compact(sums).parts for sums in accumulators)

    def compact(self, sums: Sums) -> Sums:
        """Adds the waiting examples to the sums; Beam calls it before it sends them."""
        if not sums.waiting:
            return sums
        columns = {name: np.stack([row[name] for row in sums.waiting]) for name in sums.waiting[0]}
        return _merge([sums.parts, self.sum_batch(columns)])

    def extract_output(self, sums: Sums) -> dict[Any, Any]:
        """Returns the metrics by name or key; without an example NaN, 0 examples and no labels."""
        found = {
            f"{prefix}{name}": value
            for prefix, part in self.compact(sums).parts.items()
            for name, value in part.figures().items()
        }
        return {
            self._keys.get(name, name): _as_float(found[name]) if found else _without_example(name)
            for name in self.metric_names
        }

    def sum_batch(self, columns: Mapping[str, Array]) -> dict[str, Any]:
        """Sums up a batch.

        Args:
            columns: Labels and model outputs, [n, L], and unknown labels, [n], by name.

        Returns:
            The sums by the prefix of their metrics.
        """
        return {"": sum_compared(*_scored(columns, _OUTPUTS))}

    def _read_example(self, inputs: metric_types.StandardMetricInputs) -> dict[str, Array]:
        predictions = inputs.get_by_key(constants.PREDICTIONS_KEY, self._model_name)
        unknown = inputs.get_by_key(
            constants.TRANSFORMED_FEATURES_KEY, self._model_name, names.UNKNOWN_LABELS
        )
        return {
            names.LABELS: np.ravel(inputs.get_by_key(constants.LABELS_KEY, self._model_name)),
            names.UNKNOWN_LABELS: np.ravel(unknown)[0],
            **{name: np.ravel(predictions[name]) for name in self.outputs},
        }


class CandidateCombiner(BaselineCombiner):
    """Computes all metrics of the candidate, CANDIDATE_NAMES, as scikit-learn does.

    Areas under a curve are as close to it as `score_histogram` says.
    """

    metric_names = CANDIDATE_NAMES
    # Models pushed by older versions may lack the outputs for the abstract alone.
    outputs = (*_OUTPUTS, *_ABSTRACT_ONLY_OUTPUTS)

    def sum_batch(self, columns: Mapping[str, Array]) -> dict[str, Any]:
        """Sums up a batch, as the base class does."""
        truth, probabilities, suggested, unknown = _scored(columns, _OUTPUTS)
        return {
            "": sum_metrics(truth, probabilities, suggested, unknown),
            ABSTRACT_ONLY: sum_compared(*_scored(columns, _ABSTRACT_ONLY_OUTPUTS)),
            VOCABULARY_ONLY: sum_compared(truth, probabilities, suggested),
            LABELS: sum_labels(truth, probabilities, suggested),
        }


def _scored(
    columns: Mapping[str, Array], outputs: tuple[str, ...]
) -> tuple[Array, Array, Array, Array]:
    probabilities, suggested = (columns[name] for name in outputs)
    return columns[names.LABELS], probabilities, suggested, columns[names.UNKNOWN_LABELS]


def _merge(parts: Iterable[Mapping[str, Any]]) -> Sums:
    seen = [each for each in parts if each]
    prefixes = seen[0] if seen else {}
    return Sums({prefix: reduce(add, (each[prefix] for each in seen)) for prefix in prefixes})


def _as_float(value: Any) -> Any:
    # TFMA writes arrays of other types as text.
    return value.astype(np.float64) if isinstance(value, np.ndarray) else value


def _without_example(name: str) -> Any:
    if name.startswith(LABELS):
        return np.zeros(0)
    return 0.0 if name == EXAMPLES else float("nan")


class MultiLabelMetrics(metric_types.Metric):
    """Every metric of both models in one pass: CANDIDATE_NAMES and COMPARED_NAMES."""

    def __init__(self, name: str = "multi_label_metrics") -> None:
        """Registers the computation; the name is for TFMA, the metrics have their own."""
        super().__init__(_make_computations, name=name)


def _make_computations(
    name: str = "",
    eval_config: config_pb2.EvalConfig | None = None,
    model_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    # TFMA passes the arguments by name; `name` is one that every metric takes.
    baseline = model_util.get_baseline_model_spec(eval_config) if eval_config else None
    return list(_computations(model_names or [""], baseline.name if baseline else None))


def _computations(
    model_names: list[str], baseline_name: str | None
) -> Iterator[metric_types.MetricComputation]:
    for model_name in model_names:
        combiner = BaselineCombiner if model_name == baseline_name else CandidateCombiner
        keys = {
            # TFMA looks thresholds up under keys whose `example_weighted` is None.
            metric: metric_types.MetricKey(
                name=metric, model_name=model_name, example_weighted=None
            )
            for metric in combiner.metric_names
        }
        yield metric_types.MetricComputation(
            keys=list(keys.values()),
            preprocessors=[
                metric_types.TransformedFeaturePreprocessor(
                    [names.UNKNOWN_LABELS], model_names=[model_name] if model_name else None
                )
            ],
            combiner=combiner(model_name, keys),
        )


metric_types.register_metric(MultiLabelMetrics)
