"""Reads what the Evaluator wrote: metrics of the whole test split, of each slice and label."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import tensorflow_model_analysis as tfma
from tfx.dsl.io import fileio

from components.evaluator.paper_slices import ORDERED_VALUES, SLICES
from components.evaluator.tfma_metrics import LABELS, PREFIXED_NAMES
from components.metrics.names import EXAMPLES, LABEL_COUNTS, LABEL_METRICS, METRIC_NAMES
from schema import names
from schema.errors import BadInputError

# TFMA's name of the candidate, if it is compared with another model.
_CANDIDATE: Final = "candidate"
_BASELINE: Final = "baseline"

# Features and their values; our slices have one.
SliceKey = tuple[tuple[str, str], ...]

# The whole test split.
OVERALL: Final[SliceKey] = ()


@dataclass(frozen=True)
class MeasuredSlice:
    """What TFMA measured on a slice.

    Attributes:
        key: Which slice; empty for the whole test split.
        candidate: The candidate's metrics by name: numbers, and arrays [L] for those per label.
        baseline: The last blessed model's; empty if there is none.
    """

    key: SliceKey
    candidate: Mapping[str, Any]
    baseline: Mapping[str, Any]


def read_measured(evaluation_uri: str) -> Iterator[MeasuredSlice]:
    """Reads what TFMA measured, slice by slice; nothing if the test split was empty."""
    for entry in tfma.load_metrics(evaluation_uri):
        metrics: dict[str, dict[str, Any]] = {_CANDIDATE: {}, _BASELINE: {}}
        for pair in entry.metric_keys_and_values:
            if not pair.key.is_diff:
                # A model that is evaluated alone has no name.
                metrics[pair.key.model_name or _CANDIDATE][pair.key.name] = _value(pair.value)
        yield MeasuredSlice(slice_key(entry.slice_key), metrics[_CANDIDATE], metrics[_BASELINE])


def slice_key(key: Any) -> SliceKey:
    """Converts TFMA's protocol buffer of a slice."""
    return tuple((each.column, each.bytes_value.decode()) for each in key.single_slice_keys)


def read_figures(evaluation_uri: str) -> dict[str, float]:
    """Reads the candidate's metrics on the whole test split.

    Returns:
        METRIC_NAMES, those on abstracts alone under `abstract_only/`, and those without labels
        outside the vocabulary under `vocabulary_only/`.

    Raises:
        BadInputError: There was no test example to measure on.
    """
    return _figures(_overall(evaluation_uri))


def read_slices(evaluation_uri: str) -> list[dict[str, Any]]:
    """Reads the candidate's metrics on each slice with a test paper.

    Returns:
        For each slice `name` (one of `paper_slices.SLICES`), `value` (what its papers share) and
        `figures` (the metrics as `read_figures` returns them). Names are in the order of SLICES;
        values in reading order, or by falling number of papers if they have no order.
    """
    slices = [
        {"name": name, "value": value, "figures": _figures(measured)}
        for measured in read_measured(evaluation_uri)
        for name, value in measured.key
        if name in SLICES
    ]
    return sorted(slices, key=_sort_key)


def read_labels(evaluation_uri: str) -> list[dict[str, Any]]:
    """Reads the candidate's metrics of each label, in the order of its vocabulary.

    Returns:
        For each label `label`, the metrics of LABEL_METRICS over all test papers (0 where one is
        0 / 0), and `threshold`, the minimum score to suggest it.

    Raises:
        BadInputError: There was no test example to measure on.
    """
    metrics = _overall(evaluation_uri).candidate
    with fileio.open(f"{evaluation_uri}/{names.EVALUATED_LABELS_FILE}", "rb") as file:
        known = json.loads(file.read())
    columns = {"label": known["labels"]}
    for name in LABEL_METRICS:
        values = metrics[f"{LABELS}{name}"]
        columns[name] = (values.astype(int) if name in LABEL_COUNTS else values).tolist()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [{**row, "threshold": known["threshold"]} for row in rows]


def _overall(evaluation_uri: str) -> MeasuredSlice:
    for measured in read_measured(evaluation_uri):
        if measured.key == OVERALL:
            return measured
    raise BadInputError(
        f"The evaluation in {evaluation_uri} has no metrics: the test split is empty. "
        "Add papers or raise data.test_share."
    )


def _figures(measured: MeasuredSlice) -> dict[str, float]:
    return {name: measured.candidate[name] for name in (*METRIC_NAMES, *PREFIXED_NAMES)}


def _sort_key(each: Mapping[str, Any]) -> tuple[int, int, float, str]:
    order = ORDERED_VALUES.get(each["name"], ())
    rank = order.index(each["value"]) if each["value"] in order else len(order)
    return SLICES.index(each["name"]), rank, -each["figures"][EXAMPLES], each["value"]


def _value(value: Any) -> Any:
    if value.WhichOneof("type") == "array_value":
        return np.array(value.array_value.float64_values)
    return value.double_value.value
