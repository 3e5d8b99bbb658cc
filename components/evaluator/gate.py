"""Reads the gate's verdict on a model: each bound, the model's value, and whether it passed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import model_util
from tensorflow_model_analysis.writers import eval_config_writer
from tfx.dsl.io import fileio

from components.baselines.settings import CAPTIONS
from components.evaluator.paper_slices import NEW_TO_LAST_MODEL, YES
from components.evaluator.results import (
    OVERALL,
    MeasuredSlice,
    SliceKey,
    read_measured,
    slice_key,
)
from components.metrics.names import COMPARED_EXAMPLES, EXAMPLES, METRICS
from schema import names

_COMPARED: Final[SliceKey] = ((NEW_TO_LAST_MODEL, YES),)

# The smallest difference that four digits show.
_VISIBLE: Final = 1e-4

_Kind = Literal["floor", "ceiling", "change"]
# A slice, a metric, what its bound is on, and the bound.
_Failure = tuple[SliceKey, str, _Kind, float]
_Bounds = dict[str, list[config_pb2.MetricThreshold]]


@dataclass(frozen=True)
class GateRow:
    """A bound of the gate and the model's value.

    Attributes:
        metric: The metric's name; `examples` is the number of test papers (of the slice),
            `compared_examples` the number of those that the last blessed model was not trained on.
        candidate: The model's value.
        baseline: The last blessed model's value on the same papers; None if there is no such
            model, it was trained on some of them, or for a number of papers.
        bound: The lowest (for a ceiling, highest) value that passes; for a comparison, the lowest
            change.
        is_change: Whether the bound is on the change against the last blessed model.
        passed: TFMA's verdict.
        papers: Test papers that both values are measured on.
        left_out: Test papers that the last blessed model was trained on, so not compared on.
        best_baseline: The baseline that the bound comes from; empty for any other bound.
        max_drop: How far below that baseline's value the bound is.
        slice: The slice that the bound is on, such as `archive: cs`; empty for all test papers.
        is_ceiling: Whether the bound is the highest value that passes.
        known_slices: Where no paper is in the slice, those of its name that have one.
    """

    metric: str
    candidate: float
    baseline: float | None
    bound: float
    is_change: bool
    passed: bool
    papers: int
    left_out: int = 0
    best_baseline: str = ""
    max_drop: float = 0.0
    slice: str = ""
    is_ceiling: bool = False
    known_slices: tuple[str, ...] = ()

    @property
    def is_floor(self) -> bool:
        """Whether the profile gives the lowest value itself."""
        counted = self.metric in (EXAMPLES, COMPARED_EXAMPLES)
        return not (counted or self.is_change or self.best_baseline or self.is_ceiling)

    @property
    def digits(self) -> int:
        """Number of decimals that tell the value from the bound."""
        if METRICS[self.metric].format == ",.0f" and not self.bound % 1:
            return 0
        value = self.candidate
        if self.is_change and self.baseline is not None:
            value -= self.baseline
        # A value that just missed its bound must not look as if it had reached it.
        return 9 if abs(value - self.bound) < _VISIBLE and not self.passed else 4

    @property
    def bound_in_words(self) -> str:
        """The bound as a person reads it."""
        bound = f"{-self.bound if self.is_change else self.bound:,.{self.digits}f}"
        if self.best_baseline:
            return f"at least {bound} ({CAPTIONS[self.best_baseline][0]})"
        if not self.is_change:
            return f"at {'most' if self.is_ceiling else 'least'} {bound}"
        return f"at least the last - {bound}" if self.bound else "at least the last"

    def __str__(self) -> str:
        """Says what the model reached and what it needed."""
        digits = self.digits
        if self.metric == COMPARED_EXAMPLES:
            return (
                f"only {self.candidate:,.0f} test papers are new to the last blessed model, "
                f"at least {self.bound:,.0f} are needed: it was trained on the other "
                f"{self.left_out:,} and looks better on them than it is. Split the papers as for "
                "that model (data.seed, data.test_share), or remove gate.max_drop"
            )
        if self.is_change and self.baseline is not None:
            return (
                f"{self.metric} changed by {self.candidate - self.baseline:+.{digits}f}, "
                f"the lowest change allowed is {self.bound:+.{digits}f}"
            )
        if self.slice and self.metric == EXAMPLES:
            if not self.papers:
                known = ", ".join(self.known_slices)
                return f"slice {self.slice} has no test paper: choose from {known}"
            return (
                f"slice {self.slice} has {self.papers:,} test papers, must have at least "
                f"{self.bound:,.0f}: bound another slice (the report lists them), or lower "
                "gate.min_examples"
            )
        where = f" in slice {self.slice} ({self.papers:,} test papers)" if self.slice else ""
        text = f"{self.metric} is {self.candidate:,.{digits}f}{where}, must be at "
        text += f"{'most' if self.is_ceiling else 'least'} {self.bound:,.{digits}f}"
        if self.best_baseline:
            value, title = self.bound + self.max_drop, CAPTIONS[self.best_baseline][0]
            text += f": {title} has {value:.4f}, {self.max_drop} less is allowed"
        return f"{text} (gate.min_examples)" if self.metric == EXAMPLES else text


def read_gate(evaluation_uri: str) -> list[GateRow]:
    """Reads every bound that a model was held to: on all papers, on slices, on changes.

    Bounds on changes are left out if there was no last blessed model, or no paper to compare on
    (then the row `compared_examples` is there, and not passed).
    """
    config, *_ = eval_config_writer.load_eval_run(evaluation_uri)
    measured = {each.key: each for each in read_measured(evaluation_uri)}
    failed = set(_failures(tfma.load_validation_result(evaluation_uri)))
    (spec,) = config.metrics_specs
    bounds = _bounds(spec)
    drops = bounds.pop(_COMPARED, None)
    held: dict[str, dict[str, Any]] = {}
    path = f"{evaluation_uri}/{names.BASELINE_BOUNDS_FILE}"
    # Versions before the comparison with baselines wrote none.
    if fileio.exists(path):
        with fileio.open(path, "r") as file:
            held = json.loads(file.read())
    overall = measured.get(OVERALL)
    # Without an example TFMA has nothing to compare, and only says that a slice is missing.
    sizes = {key: int(each.candidate[EXAMPLES]) for key, each in measured.items()}
    papers = sizes.get(OVERALL, 0)
    left_out = papers - sizes.get(_COMPARED, 0)
    rows = list(_rows(EXAMPLES, bounds.pop(OVERALL), overall, OVERALL, failed, held, left_out))
    for key, of_slice in bounds.items() if papers else ():
        for row in _rows(EXAMPLES, of_slice, measured.get(key), key, failed, {}, left_out):
            known = sorted(value for each in measured for name, value in each if name == key[0][0])
            rows.append(row if row.papers else replace(row, known_slices=tuple(known)))
    if drops and papers and model_util.get_baseline_model_spec(config) is not None:
        compared = measured.get(_COMPARED)
        rows.extend(_rows(COMPARED_EXAMPLES, drops, compared, _COMPARED, failed, {}, left_out))
    return rows


def _bounds(spec: config_pb2.MetricsSpec) -> dict[SliceKey, _Bounds]:
    """Returns the bounds on each slice, by metric."""
    # Every slice with a bound has one on its number of papers, in the order of the settings.
    by_name = sorted(spec.per_slice_thresholds.items(), key=lambda item: item[0] != EXAMPLES)
    bounds: dict[SliceKey, _Bounds] = {}
    for name, thresholds in by_name:
        for each in thresholds.thresholds:
            (papers,) = each.slicing_specs
            of_slice = bounds.setdefault(tuple(papers.feature_values.items()), {})
            of_slice.setdefault(name, []).append(each.threshold)
    return bounds


def _failures(result: Any) -> Iterator[_Failure]:
    for per_slice in result.metric_validations_per_slice:
        for failure in per_slice.failures:
            key = failure.metric_key
            yield slice_key(per_slice.slice_key), key.name, *_bound(failure.metric_threshold)


def _rows(
    count: str,
    bounds: _Bounds,
    measured: MeasuredSlice | None,
    key: SliceKey,
    failed: set[_Failure],
    held: Mapping[str, Mapping[str, Any]],
    left_out: int,
) -> Iterator[GateRow]:
    """Yields the bound on the number of papers of a slice, then those on its metrics.

    Args:
        count: Name of the number of papers.
        bounds: The bounds on the slice, with one on EXAMPLES.
        measured: What was measured on it; None if no paper is in it.
        key: The slice.
        failed: The bounds that TFMA found missed.
        held: As `hold_to_baselines` returns it: such a bound is its metric's last.
        left_out: Number of test papers that the last blessed model was trained on.
    """
    papers = int(measured.candidate[EXAMPLES]) if measured else 0

    def row(
        metric: str, candidate: float, baseline: float | None, name: str, number: int = 0
    ) -> GateRow:
        kind, bound = _bound(bounds[name][number])
        return GateRow(
            metric=metric,
            candidate=candidate,
            baseline=baseline,
            bound=bound,
            is_change=kind == "change",
            passed=measured is not None and (key, name, kind, bound) not in failed,
            papers=papers,
            left_out=left_out,
            slice="" if key == _COMPARED else ", ".join(map(": ".join, key)),
            is_ceiling=kind == "ceiling",
            **(held.get(name, {}) if number == len(bounds[name]) - 1 else {}),
        )

    yield row(count, papers, None, EXAMPLES)
    if measured is not None:
        for name in sorted(bounds.keys() - {EXAMPLES}):
            for number in range(len(bounds[name])):
                # Where a model was trained on some of the papers, its value is too good.
                baseline = None if left_out and key != _COMPARED else measured.baseline.get(name)
                yield row(name, measured.candidate[name], baseline, name, number)


def _bound(threshold: config_pb2.MetricThreshold) -> tuple[_Kind, float]:
    if threshold.HasField("change_threshold"):
        return "change", threshold.change_threshold.absolute.value
    values = threshold.value_threshold
    if values.HasField("upper_bound"):
        return "ceiling", values.upper_bound.value
    return "floor", values.lower_bound.value
