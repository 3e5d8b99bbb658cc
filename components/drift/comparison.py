"""Compares observations by TensorFlow Data Validation."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

from components.drift.observations import Observations

# No 200 papers of one source differ by as much; docs/monitoring.md has the figures.
_MAX_DIVERGENCE: Final = 0.05
_MAX_CHANGE: Final = 0.15


class Difference(NamedTuple):
    """How a feature differs: its mean, or the share that has changed most, and how far it is."""

    feature: str
    before: str
    now: str
    distance: float
    limit: float
    drifted: bool


def compare(before: Observations, now: Observations) -> list[Difference]:
    """Compares the features that both sides have.

    Their distance, from 0 to 1, is the Jensen-Shannon divergence of numbers and the largest change
    of the share of a category (L-infinity).
    """
    features = [name for name in before if before[name] and now[name]]
    sides = [{name: pd.Series(side[name]) for name in features} for side in (before, now)]
    schema = schema_pb2.Schema()
    for name, column in sides[0].items():
        comparator = schema.feature.add(name=name, type=schema_pb2.BYTES).drift_comparator
        if column.dtype == object:
            comparator.infinity_norm.threshold = _MAX_CHANGE
        else:
            comparator.jensen_shannon_divergence.threshold = _MAX_DIVERGENCE
    frames = [pd.DataFrame({name: _bucket(side[name]) for name in features}) for side in sides]
    past, present = map(tfdv.generate_statistics_from_dataframe, frames)
    found = tfdv.validate_statistics(present, schema, previous_statistics=past)
    return [
        Difference(
            name := info.path.step[0],
            *_describe(*(side[name] for side in sides)),
            info.drift_measurements[0].value,
            info.drift_measurements[0].threshold,
            name in found.anomaly_info,
        )
        for info in found.drift_skew_info
    ]


def _bucket(column: pd.Series) -> pd.Series:
    """Puts numbers into fixed buckets: lengths by half octaves, shares and scores by tenths.

    TFDV's own reach from the smallest to the largest value, and those of two samples of one source
    lie so differently that their divergence reaches 0.5.
    """
    if column.dtype == object:
        return column
    if column.dtype.kind == "i":
        return np.round(2 * np.log2(1 + column)).astype(str)
    return np.floor(10 * column).clip(upper=9).astype(str)


def _describe(before: pd.Series, now: pd.Series) -> tuple[str, str]:
    if before.dtype != object:
        return f"{before.mean():,.4g} (mean)", f"{now.mean():,.4g} (mean)"
    past, present = (column.value_counts(normalize=True) for column in (before, now))
    most = present.sub(past, fill_value=0).abs().idxmax()
    return f"{most}: {past.get(most, 0.0):.1%}", f"{most}: {present.get(most, 0.0):.1%}"
