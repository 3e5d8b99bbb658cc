"""Reads what the Evaluator wrote: the figures of a model, and why the gate refused it."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow_model_analysis as tfma

from components.evaluator.tfma_metrics import METRIC_NAMES
from schema.errors import TaggerError

# TFMA's name for the model under test, when there is another to compare it with.
CANDIDATE = "candidate"


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
        if self.is_change:
            return f"{self.metric} changed by {self.value:+.4f}, allowed is {self.bound:+.4f}"
        return f"{self.metric} is {self.value:.4f}, must be at least {self.bound:.4f}"


def read_figures(evaluation_uri: str) -> dict[str, float]:
    """Reads the candidate's metrics on the whole test split, by name.

    Raises:
        TaggerError: The evaluation holds no such metrics.
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
    raise TaggerError(f"The evaluation in {evaluation_uri} holds no metrics. Run it again.")


def read_refusals(evaluation_uri: str) -> list[Refusal]:
    """Reads which bounds of the gate the candidate missed; none where it passed."""
    result = tfma.load_validation_result(evaluation_uri)
    refusals = []
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
