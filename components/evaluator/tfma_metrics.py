"""The multi-label metrics as one TFMA metric: sums over examples that Beam can merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types

from components.metrics.classification import (
    LabelCounts,
    binary_accuracy,
    count_labels,
    macro_f1,
    micro_f1,
)
from components.metrics.inputs import Array
from components.metrics.ranking import lrap, ndcg_at_k, precision_at_k
from schema import names

# Examples are scored together once so many have come in.
ROWS_AT_ONCE: Final = 256

# The number of examples is a metric as well, and always gated.
EXAMPLES: Final = "examples"

METRIC_NAMES: Final = (
    "micro_f1",
    "macro_f1",
    "precision@1",
    "precision@3",
    "precision@5",
    "ndcg@5",
    "lrap",
    "binary_accuracy",
    EXAMPLES,
)


@dataclass(frozen=True)
class Row:
    """What the metrics read of one example: three vectors [L] and a count."""

    labels: Array
    probabilities: Array
    suggested: Array
    unknown: int


@dataclass
class Sums:
    """Sums over the examples seen so far, and the rows not yet added to them."""

    suggested: LabelCounts | None = None
    at_half: LabelCounts | None = None
    ranking: dict[str, float] = field(default_factory=dict)
    waiting: list[Row] = field(default_factory=list)


class MultiLabelCombiner(beam.CombineFn):
    """Adds up what the metrics need; its figures equal scikit-learn's on the whole split."""

    def __init__(self, model_name: str) -> None:
        """Reads the labels and predictions of one of the compared models."""
        self._model_name = model_name

    def create_accumulator(self) -> Sums:
        """Starts with nothing seen."""
        return Sums()

    def add_input(self, sums: Sums, inputs: metric_types.StandardMetricInputs) -> Sums:
        """Adds an example."""
        sums.waiting.append(self._read_row(inputs))
        return _settle(sums) if len(sums.waiting) >= ROWS_AT_ONCE else sums

    def merge_accumulators(self, accumulators: Iterable[Sums]) -> Sums:
        """Adds up the sums of several workers."""
        total = Sums()
        for sums in accumulators:
            settled = _settle(sums)
            _add(total, settled.suggested, settled.at_half, settled.ranking)
        return total

    def extract_output(self, sums: Sums) -> dict[str, float]:
        """Returns every metric by name; NaN for all but EXAMPLES where there is no example."""
        settled = _settle(sums)
        if settled.suggested is None or settled.at_half is None:
            return {name: 0.0 if name == EXAMPLES else float("nan") for name in METRIC_NAMES}
        examples = settled.suggested.examples
        return {
            "micro_f1": micro_f1(settled.suggested),
            "macro_f1": macro_f1(settled.suggested),
            **{name: total / examples for name, total in settled.ranking.items()},
            "binary_accuracy": binary_accuracy(settled.at_half),
            EXAMPLES: float(examples),
        }

    def _read_row(self, inputs: metric_types.StandardMetricInputs) -> Row:
        predictions = inputs.get_by_key(constants.PREDICTIONS_KEY, self._model_name)
        unknown = inputs.get_by_key(
            constants.TRANSFORMED_FEATURES_KEY, self._model_name, names.UNKNOWN_LABELS
        )
        return Row(
            labels=np.ravel(inputs.get_by_key(constants.LABELS_KEY, self._model_name)),
            probabilities=np.ravel(predictions[names.OUTPUT_PROBABILITIES]),
            suggested=np.ravel(predictions[names.OUTPUT_SUGGESTED]),
            unknown=int(np.ravel(unknown)[0]),
        )


def _settle(sums: Sums) -> Sums:
    """Adds the waiting rows to the sums."""
    if not sums.waiting:
        return sums
    truth = np.stack([row.labels for row in sums.waiting])
    probabilities = np.stack([row.probabilities for row in sums.waiting])
    suggested = np.stack([row.suggested for row in sums.waiting])
    unknown = np.asarray([row.unknown for row in sums.waiting])
    sums.waiting = []
    _add(
        sums,
        count_labels(truth, suggested, 0.5, unknown),
        count_labels(truth, probabilities, 0.5, unknown),
        {
            **{f"precision@{k}": precision_at_k(truth, probabilities, k).sum() for k in (1, 3, 5)},
            "ndcg@5": ndcg_at_k(truth, probabilities, 5, unknown).sum(),
            "lrap": lrap(truth, probabilities, unknown).sum(),
        },
    )
    return sums


def _add(
    total: Sums,
    suggested: LabelCounts | None,
    at_half: LabelCounts | None,
    ranking: dict[str, float],
) -> None:
    if suggested is None or at_half is None:
        return
    total.suggested = suggested if total.suggested is None else total.suggested + suggested
    total.at_half = at_half if total.at_half is None else total.at_half + at_half
    for name, value in ranking.items():
        total.ranking[name] = total.ranking.get(name, 0.0) + float(value)


class MultiLabelMetrics(metric_types.Metric):
    """Every metric of `METRIC_NAMES` in one pass over the examples."""

    def __init__(self, name: str = "multi_label_metrics") -> None:
        """Registers the computation; the name is TFMA's, the metrics have their own."""
        super().__init__(_make_computations, name=name)


def _make_computations(
    name: str = "", model_names: list[str] | None = None
) -> metric_types.MetricComputations:
    # TFMA passes what the argument names ask for; `name` belongs to every metric.
    return list(_computations(model_names or [""]))


def _computations(model_names: list[str]) -> Iterator[metric_types.MetricComputation]:
    for model_name in model_names:
        keys = {
            # TFMA looks thresholds up under keys whose `example_weighted` is None.
            metric: metric_types.MetricKey(
                name=metric, model_name=model_name, example_weighted=None
            )
            for metric in METRIC_NAMES
        }
        yield metric_types.MetricComputation(
            keys=list(keys.values()),
            preprocessors=[
                metric_types.TransformedFeaturePreprocessor(
                    [names.UNKNOWN_LABELS], model_names=[model_name] if model_name else None
                )
            ],
            combiner=_KeyedCombiner(model_name, keys),
        )


class _KeyedCombiner(MultiLabelCombiner):
    """The combiner with its figures under TFMA's keys."""

    def __init__(self, model_name: str, keys: dict[str, metric_types.MetricKey]) -> None:
        super().__init__(model_name)
        self._keys = keys

    def extract_output(self, sums: Sums) -> dict[metric_types.MetricKey, float]:
        figures = super().extract_output(sums)
        return {self._keys[name]: value for name, value in figures.items()}


metric_types.register_metric(MultiLabelMetrics)
