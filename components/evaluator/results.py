"""Reads what the Evaluator wrote: the figures of a model, and why the gate refused it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import tensorflow_model_analysis as tfma

from components.evaluator.tfma_metrics import EXAMPLES, METRIC_NAMES
from schema.errors import BadInputError

# TFMA's name for the model under test, when there is another to compare it with.
CANDIDATE: Final = "candidate"

# The smallest difference that four digits show.
_TELLS_APART: Final = 1e-4


@dataclass(frozen=True)
class Refusal:
    """A metric that did not reach its bound.

    Attributes:
        metric: Its name.
        value: What the model reached; for a comparison, the change since the last one.
        bound: The lowest value that passes.
        is_change: Whether the bound is on the change against the last blessed model.
    """

    metric: str
    value: float
    bound: float
    is_change: bool

    def __str__(self) -> str:
        """Says it in words."""
        digits = 0 if self.metric == EXAMPLES else 4
        # A value that just missed its bound must not look as if it had reached it.
        if digits and abs(self.value - self.bound) < _TELLS_APART:
            digits = 9
        if self.is_change:
            return (
                f"{self.metric} changed by {self.value:+.{digits}f}, "
                f"allowed is {self.bound:+.{digits}f}"
            )
        return f"{self.metric} is {self.value:.{digits}f}, must be at least {self.bound:.{digits}f}"


def read_figures(evaluation_uri: str) -> dict[str, float]:
    """Reads the candidate's metrics on the whole test split, by name.

    Raises:
        BadInputError: There was no test example to measure on.
    """
    for entry in tfma.load_metrics(evaluation_uri):
        if entry.slice_key.single_slice_keys:
            continue
        figures = {
            pair.key.name: pair.value.double_value.value
            for pair in entry.metric_keys_and_values
            if pair.key.model_name in ("", CANDIDATE) and not pair.key.is_diff
        }
        return {name: figures[name] for name in METRIC_NAMES}
    raise BadInputError(
        f"The evaluation in {evaluation_uri} holds no metrics: the test split is empty. "
        "Add papers or raise data.test_share."
    )


def read_refusals(evaluation_uri: str) -> list[Refusal]:
    """Reads which bounds of the gate the candidate missed; none where it passed."""
    result = tfma.load_validation_result(evaluation_uri)
    # Without an example TFMA has no figure to compare, and says only that the split is missing.
    refusals = [Refusal(EXAMPLES, 0.0, 1.0, is_change=False) for _ in result.missing_slices]
    for per_slice in result.metric_validations_per_slice:
        for failure in per_slice.failures:
            value = failure.metric_value.double_value.value
            if failure.metric_threshold.HasField("change_threshold"):
                bound = failure.metric_threshold.change_threshold.absolute.value
                refusals.append(Refusal(failure.metric_key.name, value, bound, is_change=True))
            else:
                bound = failure.metric_threshold.value_threshold.lower_bound.value
                refusals.append(Refusal(failure.metric_key.name, value, bound, is_change=False))
    return refusals
