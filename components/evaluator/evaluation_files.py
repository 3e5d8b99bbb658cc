"""Reads TFMA's files: every figure of an evaluation, by slice, model and name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import tensorflow_model_analysis as tfma

# TFMA's names of the models, where there are two.
CANDIDATE: Final = "candidate"
BASELINE: Final = "baseline"

# The whole test split.
OVERALL: Final = ()

# The feature and its value; TFMA's slices may have several, ours have one.
SliceKey = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MeasuredSlice:
    """What TFMA measured on a slice.

    Attributes:
        key: Which one; empty for the whole test split.
        candidate: The candidate's figures by name: numbers, and arrays for those of each label.
        baseline: The last blessed model's; empty where there is none.
    """

    key: SliceKey
    candidate: Mapping[str, Any]
    baseline: Mapping[str, Any]


def read_slices_measured(evaluation_uri: str) -> Iterator[MeasuredSlice]:
    """Reads what was measured, slice by slice; nothing where the test split was empty."""
    for entry in tfma.load_metrics(evaluation_uri):
        figures: dict[str, dict[str, Any]] = {CANDIDATE: {}, BASELINE: {}}
        for pair in entry.metric_keys_and_values:
            if not pair.key.is_diff:
                # A model that is alone has no name.
                figures[pair.key.model_name or CANDIDATE][pair.key.name] = _value(pair.value)
        yield MeasuredSlice(slice_key(entry.slice_key), figures[CANDIDATE], figures[BASELINE])


def slice_key(key: Any) -> SliceKey:
    """Returns the features and values of TFMA's protocol buffer of a slice."""
    return tuple((each.column, each.bytes_value.decode()) for each in key.single_slice_keys)


def _value(value: Any) -> Any:
    if value.WhichOneof("type") == "array_value":
        return np.array(value.array_value.float64_values)
    return value.double_value.value
