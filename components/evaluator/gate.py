"""Reads what the gate made of a model: each bound, what was reached, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.utils import model_util
from tensorflow_model_analysis.writers import eval_config_writer

from components.evaluator.evaluation_files import (
    OVERALL,
    MeasuredSlice,
    SliceKey,
    read_slices_measured,
    slice_key,
)
from components.evaluator.paper_slices import NEW_TO_LAST_MODEL, YES
from components.evaluator.tfma_metrics import EXAMPLES

# Test papers that both models can be compared on.
COMPARED_EXAMPLES: Final = "compared_examples"

_COMPARED: Final = ((NEW_TO_LAST_MODEL, YES),)
_COUNTS: Final = (EXAMPLES, COMPARED_EXAMPLES)

# The smallest difference that four digits show.
_TELLS_APART: Final = 1e-4


@dataclass(frozen=True)
class GateRow:
    """A bound of the gate and what a model reached.

    Attributes:
        metric: The metric's name; `examples` is the number of test papers, `compared_examples`
            of those that the last blessed model was not trained on.
        candidate: What the model reached.
        baseline: What the last blessed model reached on the same papers; None where there is no
            such model, or the metric is a number of papers.
        bound: The lowest value that passes; for a comparison, the lowest change.
        is_change: Whether the bound is on the change against the last blessed model.
        passed: TFMA's verdict.
        papers: Test papers that both figures rest on.
        left_out: Test papers that the last blessed model was trained on, and that this row
            therefore leaves out.
    """

    metric: str
    candidate: float
    baseline: float | None
    bound: float
    is_change: bool
    passed: bool
    papers: int
    left_out: int = 0

    @property
    def digits(self) -> int:
        """How many decimals tell what was reached from the bound."""
        if self.metric in _COUNTS:
            return 0
        reached = self.candidate
        if self.is_change and self.baseline is not None:
            reached -= self.baseline
        # A value that just missed its bound must not look as if it had reached it.
        return 9 if abs(reached - self.bound) < _TELLS_APART and not self.passed else 4

    @property
    def bound_in_words(self) -> str:
        """Says what had to be reached."""
        bound = f"{abs(self.bound):,.{self.digits}f}"
        if not self.is_change:
            return f"at least {bound}"
        if not self.bound:
            return "at least the last"
        return f"at least the last {'-' if self.bound < 0 else '+'} {bound}"

    def __str__(self) -> str:
        """Says in words what was reached and what had to be."""
        digits = self.digits
        if self.metric == COMPARED_EXAMPLES:
            return (
                f"{self.candidate:,.0f} test papers are new to the last blessed model, must be at "
                f"least {self.bound:,.0f}: it was trained on the other {self.left_out:,}, where it "
                "looks better than it is. Split the papers as for that model (data.seed, "
                "data.test_share), or take out gate.max_drop"
            )
        if self.is_change and self.baseline is not None:
            return (
                f"{self.metric} changed by {self.candidate - self.baseline:+.{digits}f}, "
                f"allowed is {self.bound:+.{digits}f}"
            )
        return (
            f"{self.metric} is {self.candidate:.{digits}f}, "
            f"must be at least {self.bound:.{digits}f}"
        )


def read_gate(evaluation_uri: str) -> list[GateRow]:
    """Reads every bound that held for a model, floors first.

    Bounds on the change are left out where there was no last blessed model, or no paper to
    compare on (then the row of `compared_examples` is there, and not passed).
    """
    config, *_ = eval_config_writer.load_eval_run(evaluation_uri)
    measured = {each.key: each for each in read_slices_measured(evaluation_uri)}
    failed = set(_failures(tfma.load_validation_result(evaluation_uri)))
    (spec,) = config.metrics_specs
    floors, comparisons = _bounds(spec)
    rows = list(_floor_rows(floors, measured, failed))
    if model_util.get_baseline_model_spec(config) is not None and rows[0].papers:
        rows.extend(_comparison_rows(comparisons, measured, failed))
    return rows


# A slice, a metric, and whether the bound is on its change.
_Failure = tuple[SliceKey, str, bool]
_Bounds = dict[str, tfma.MetricThreshold]
_Measured = dict[SliceKey, MeasuredSlice]


def _bounds(spec: tfma.MetricsSpec) -> tuple[_Bounds, _Bounds]:
    """Returns the bounds on all test papers and those on the compared ones, by metric."""
    floors: _Bounds = {}
    comparisons: _Bounds = {}
    for name, thresholds in sorted(spec.per_slice_thresholds.items()):
        for each in thresholds.thresholds:
            (papers,) = each.slicing_specs
            of_papers = comparisons if papers.feature_values else floors
            of_papers[name] = each.threshold
    return floors, comparisons


def _failures(result: Any) -> Iterator[_Failure]:
    for per_slice in result.metric_validations_per_slice:
        for failure in per_slice.failures:
            key = failure.metric_key
            yield slice_key(per_slice.slice_key), key.name, key.is_diff


def _floor_rows(floors: _Bounds, measured: _Measured, failed: set[_Failure]) -> Iterator[GateRow]:
    fewest = _lowest(floors.pop(EXAMPLES))
    everything = measured.get(OVERALL)
    if everything is None:
        # Without an example TFMA has no figure to compare, and says only that a slice is missing.
        yield GateRow(EXAMPLES, 0.0, None, fewest, is_change=False, passed=False, papers=0)
        return
    papers = int(everything.candidate[EXAMPLES])
    passed = (OVERALL, EXAMPLES, False) not in failed
    yield GateRow(EXAMPLES, papers, None, fewest, is_change=False, passed=passed, papers=papers)
    for name, threshold in floors.items():
        yield GateRow(
            metric=name,
            candidate=everything.candidate[name],
            baseline=everything.baseline.get(name),
            bound=_lowest(threshold),
            is_change=False,
            passed=(OVERALL, name, False) not in failed,
            papers=papers,
        )


def _comparison_rows(
    comparisons: _Bounds, measured: _Measured, failed: set[_Failure]
) -> Iterator[GateRow]:
    if not comparisons:
        return
    compared = measured.get(_COMPARED)
    papers = int(compared.candidate[EXAMPLES]) if compared else 0
    left_out = int(measured[OVERALL].candidate[EXAMPLES]) - papers
    yield GateRow(
        metric=COMPARED_EXAMPLES,
        candidate=papers,
        baseline=None,
        bound=_lowest(comparisons.pop(EXAMPLES)),
        is_change=False,
        passed=compared is not None and (_COMPARED, EXAMPLES, False) not in failed,
        papers=papers,
        left_out=left_out,
    )
    if compared is None:
        return
    for name, threshold in comparisons.items():
        yield GateRow(
            metric=name,
            candidate=compared.candidate[name],
            baseline=compared.baseline[name],
            bound=threshold.change_threshold.absolute.value,
            is_change=True,
            passed=(_COMPARED, name, True) not in failed,
            papers=papers,
            left_out=left_out,
        )


def _lowest(threshold: tfma.MetricThreshold) -> float:
    lowest: float = threshold.value_threshold.lower_bound.value
    return lowest
