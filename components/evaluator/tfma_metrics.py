"""The multi-label metrics as one TFMA metric: sums over examples that Beam can merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import model_util

from components.metrics import sums as metric_sums
from components.metrics.inputs import Array
from components.metrics.sums import (
    HEADLINE_NAMES,
    LABEL_FIGURES,
    sum_headline,
    sum_labels,
    sum_metrics,
)
from schema import names

# Examples are scored together once so many have come in.
ROWS_AT_ONCE: Final = 256

# The number of examples is a metric as well, and always gated.
EXAMPLES: Final = metric_sums.EXAMPLES

METRIC_NAMES: Final = metric_sums.METRIC_NAMES

# The candidate's figures had the papers no title, under a prefix.
ABSTRACT_ONLY: Final = "abstract_only/"
ABSTRACT_ONLY_NAMES: Final = tuple(
    f"{ABSTRACT_ONLY}{name}" for name in HEADLINE_NAMES if name != "binary_accuracy"
)

# The candidate's figures of each label: arrays [L], under a prefix.
LABELS: Final = "labels/"
LABEL_NAMES: Final = tuple(f"{LABELS}{name}" for name in LABEL_FIGURES)

CANDIDATE_NAMES: Final = (*METRIC_NAMES, *ABSTRACT_ONLY_NAMES, *LABEL_NAMES)
# All that the gate asks of the last blessed model.
BASELINE_NAMES: Final = HEADLINE_NAMES

_ANSWER: Final = (names.OUTPUT_PROBABILITIES, names.OUTPUT_SUGGESTED)
_ABSTRACT_ONLY_ANSWER: Final = (
    names.OUTPUT_ABSTRACT_ONLY_PROBABILITIES,
    names.OUTPUT_ABSTRACT_ONLY_SUGGESTED,
)


class Summed(Protocol):
    """What a part of the metrics needs of the examples seen so far."""

    def plus(self, others: Sequence[Any]) -> Any:
        """Returns the sums over these and other examples."""

    def figures(self) -> dict[str, Any]:
        """Returns the metrics by name."""


@dataclass
class Sums:
    """Sums over the examples seen so far, and the rows not yet added to them.

    Attributes:
        parts: The sums, by the prefix of their metrics; empty before the first example.
        waiting: What was read of each other example: its vectors [L], and a count.
    """

    parts: Mapping[str, Summed] = field(default_factory=dict)
    waiting: list[dict[str, Array]] = field(default_factory=list)


class BaselineCombiner(beam.CombineFn):
    """Adds up what the metrics of the last blessed model need: BASELINE_NAMES.

    They are equal to scikit-learn's on the whole split.
    """

    metric_names: tuple[str, ...] = BASELINE_NAMES
    answers: tuple[str, ...] = _ANSWER

    def __init__(
        self, model_name: str, keys: Mapping[str, metric_types.MetricKey] | None = None
    ) -> None:
        """Reads the labels and predictions of one of the compared models.

        Args:
            model_name: TFMA's name of the model.
            keys: TFMA's keys of the metrics; None leaves their names.
        """
        self._model_name = model_name
        self._keys = keys or {}

    def create_accumulator(self) -> Sums:
        """Starts with nothing seen."""
        return Sums()

    def add_input(self, sums: Sums, inputs: metric_types.StandardMetricInputs) -> Sums:
        """Adds an example."""
        sums.waiting.append(self._read_row(inputs))
        return self.compact(sums) if len(sums.waiting) >= ROWS_AT_ONCE else sums

    def merge_accumulators(self, accumulators: Iterable[Sums]) -> Sums:
        """Adds up the sums of several workers."""
        return _merge([self.compact(sums).parts for sums in accumulators])

    def compact(self, sums: Sums) -> Sums:
        """Adds the waiting rows to the sums; Beam asks for it before it sends them."""
        if not sums.waiting:
            return sums
        columns = {name: np.stack([row[name] for row in sums.waiting]) for name in sums.waiting[0]}
        return _merge([sums.parts, self.sum_rows(columns)])

    def extract_output(self, sums: Sums) -> dict[Any, Any]:
        """Returns the metrics by name or key; of no example, NaN, none counted and no labels."""
        found = {
            f"{prefix}{name}": value
            for prefix, part in self.compact(sums).parts.items()
            for name, value in part.figures().items()
        }
        return {
            self._keys.get(name, name): _plain(found[name]) if found else _nothing(name)
            for name in self.metric_names
        }

    def sum_rows(self, columns: Mapping[str, Array]) -> dict[str, Summed]:
        """Sums up a batch.

        Args:
            columns: Its labels and answers, [n, L], and unknown labels, [n], by their names.
        """
        truth, unknown = columns[names.LABELS], columns[names.UNKNOWN_LABELS]
        probabilities, suggested = (columns[name] for name in _ANSWER)
        return {"": sum_headline(truth, probabilities, suggested, unknown)}

    def _read_row(self, inputs: metric_types.StandardMetricInputs) -> dict[str, Array]:
        predictions = inputs.get_by_key(constants.PREDICTIONS_KEY, self._model_name)
        unknown = inputs.get_by_key(
            constants.TRANSFORMED_FEATURES_KEY, self._model_name, names.UNKNOWN_LABELS
        )
        return {
            names.LABELS: np.ravel(inputs.get_by_key(constants.LABELS_KEY, self._model_name)),
            names.UNKNOWN_LABELS: np.ravel(unknown)[0],
            **{name: np.ravel(predictions[name]) for name in self.answers},
        }


class CandidateCombiner(BaselineCombiner):
    """Adds up what all metrics of the candidate need: CANDIDATE_NAMES.

    They are equal to scikit-learn's on the whole split, the areas under a curve within what
    `score_histogram` says.
    """

    metric_names = CANDIDATE_NAMES
    # A model of old may not answer for the abstract alone.
    answers = (*_ANSWER, *_ABSTRACT_ONLY_ANSWER)

    def sum_rows(self, columns: Mapping[str, Array]) -> dict[str, Summed]:
        """Sums up a batch; as the base class does."""
        truth, unknown = columns[names.LABELS], columns[names.UNKNOWN_LABELS]
        probabilities, suggested = (columns[name] for name in _ANSWER)
        alone, suggested_alone = (columns[name] for name in _ABSTRACT_ONLY_ANSWER)
        return {
            "": sum_metrics(truth, probabilities, suggested, unknown),
            ABSTRACT_ONLY: sum_headline(truth, alone, suggested_alone, unknown),
            LABELS: sum_labels(truth, probabilities, suggested),
        }


def _merge(parts: Iterable[Mapping[str, Summed]]) -> Sums:
    seen = [each for each in parts if each]
    if not seen:
        return Sums()
    first, *others = seen
    return Sums({name: part.plus([each[name] for each in others]) for name, part in first.items()})


def _plain(value: Any) -> Any:
    # TFMA writes arrays of other types as text.
    return value.astype(np.float64) if isinstance(value, np.ndarray) else value


def _nothing(name: str) -> Any:
    if name.startswith(LABELS):
        return np.zeros(0)
    return 0.0 if name == EXAMPLES else float("nan")


class MultiLabelMetrics(metric_types.Metric):
    """Every metric of both models in one pass: CANDIDATE_NAMES and BASELINE_NAMES."""

    def __init__(self, name: str = "multi_label_metrics") -> None:
        """Registers the computation; the name is TFMA's, the metrics have their own."""
        super().__init__(_make_computations, name=name)


def _make_computations(
    name: str = "",
    eval_config: tfma.EvalConfig | None = None,
    model_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    # TFMA passes what the argument names ask for; `name` belongs to every metric.
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
