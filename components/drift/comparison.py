"""Compares observations by TensorFlow Data Validation, in words that a person understands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

from components.drift.observations import Observations


class Limits(NamedTuple):
    """The largest distances that are no drift, from 0, equal, to 1.

    Attributes:
        divergence: Jensen-Shannon divergence of the distributions of a number.
        share: Change of the share of a category (L-infinity).
    """

    divergence: float = 0.05
    share: float = 0.15


class _Number(NamedTuple):
    """What a person calls a number, which bucket it is in, and what a column of it is like.

    The buckets are fixed: TFDV's own reach from the smallest to the largest value, and those of two
    samples of one source lie so differently that their divergence reaches 0.5.
    """

    meaning: str
    bucket: Callable[[pd.Series], pd.Series]
    words: Callable[[pd.Series], str]


def _tenths(column: pd.Series) -> pd.Series:
    # 1 belongs to the last tenth.
    return np.floor(10 * column).clip(upper=9)


_NUMBERS: Final = {
    "text_length": _Number(
        "length of a text, in bytes",
        lambda column: np.round(2 * np.log2(1 + column)),
        lambda column: f"{column.median():,.0f} (median)",
    ),
    "known_share": _Number(
        "n-grams of a text that the model knows",
        _tenths,
        lambda column: f"{column.mean():.1%} (mean)",
    ),
    "best_score": _Number(
        "score of the best label", _tenths, lambda column: f"{column.mean():.3f} (mean)"
    ),
}
_CATEGORIES: Final = {
    "suggestions": "texts with so many suggestions",
    "label": "share of a label in all suggestions",
}


@dataclass(frozen=True)
class Difference:
    """How one feature differs.

    Attributes:
        feature: Its name, an attribute of Observations.
        meaning: What it is.
        before: What it was like.
        now: What it is like.
        distance: See Limits.
        limit: The largest distance that is no drift.
        drifted: Whether TFDV calls it an anomaly.
    """

    feature: str
    meaning: str
    before: str
    now: str
    distance: float
    limit: float
    drifted: bool


def compare(before: Observations, now: Observations, limits: Limits) -> list[Difference]:
    """Compares each feature that both sides have.

    Args:
        before: What the model is known to be good at.
        now: What it is asked.
        limits: What is drift.
    """
    both = (before, now)
    features = [
        name for name in (*_NUMBERS, *_CATEGORIES) if getattr(before, name) and getattr(now, name)
    ]
    schema = schema_pb2.Schema()
    for name in features:
        comparator = schema.feature.add(name=name, type=schema_pb2.BYTES).drift_comparator
        if name in _NUMBERS:
            comparator.jensen_shannon_divergence.threshold = limits.divergence
        else:
            comparator.infinity_norm.threshold = limits.share
    columns = {name: [pd.Series(getattr(each, name)) for each in both] for name in features}
    statistics = [
        tfdv.generate_statistics_from_dataframe(
            pd.DataFrame({name: _categories(name, columns[name][side]) for name in features})
        )
        for side in range(len(both))
    ]
    found = tfdv.validate_statistics(statistics[1], schema, previous_statistics=statistics[0])
    measured = {info.path.step[0]: info.drift_measurements[0] for info in found.drift_skew_info}
    return [
        _describe(name, columns[name], measured[name], name in found.anomaly_info)
        for name in features
    ]


def _categories(name: str, column: pd.Series) -> pd.Series:
    return _NUMBERS[name].bucket(column).astype(str) if name in _NUMBERS else column


def _describe(name: str, columns: Sequence[pd.Series], measured: Any, drifted: bool) -> Difference:
    if name in _NUMBERS:
        meaning = _NUMBERS[name].meaning
        before, now = map(_NUMBERS[name].words, columns)
    else:
        meaning = _CATEGORIES[name]
        shares = [column.value_counts(normalize=True) for column in columns]
        most = shares[1].sub(shares[0], fill_value=0).abs().idxmax()
        before, now = (f"{most}: {share.get(most, 0.0):.1%}" for share in shares)
    return Difference(name, meaning, before, now, measured.value, measured.threshold, drifted)
