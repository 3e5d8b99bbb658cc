"""What ExampleValidator found, in plain English, and whether it stops the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tensorflow_metadata.proto.v0 import anomalies_pb2

# ExampleValidator's own name for the file; each split's folder has one.
ANOMALIES_FILE: Final = "SchemaDiff.pb"

# Stands for the feature of an anomaly that isn't one feature's.
WHOLE_SPLIT: Final = "(all features)"

_DRIFTED: Final = "its values have drifted"
_PROBLEMS: Final[dict[str, str]] = {
    "SCHEMA_NEW_COLUMN": "not in the schema",
    "SCHEMA_MISSING_COLUMN": "missing from all papers",
    "FEATURE_TYPE_NOT_PRESENT": "missing from all papers",
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": "missing from some papers",
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": "missing from too many papers",
    "FEATURE_TYPE_LOW_NUMBER_VALUES": "some papers have too few values",
    "FEATURE_TYPE_HIGH_NUMBER_VALUES": "some papers have too many values",
    "INVALID_FEATURE_SHAPE": "some papers don't have exactly one value",
    "UNEXPECTED_DATA_TYPE": "its values have the wrong type",
    "COMPARATOR_L_INFTY_HIGH": _DRIFTED,
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": _DRIFTED,
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH": _DRIFTED,
}

# Reasons with this prefix compare the data with other data, not with the schema.
_DRIFT_PREFIX: Final = "COMPARATOR_"


@dataclass(frozen=True)
class Anomaly:
    """One way in which one split of the data differs from the schema.

    Attributes:
        split: Name of the split.
        feature: Name of the feature, or WHOLE_SPLIT.
        severity: An `error` stops the run, a `warning` doesn't.
        short: What is wrong, in a few words.
        long: TensorFlow Data Validation's own description, with its figures.
    """

    split: str
    feature: str
    severity: Literal["error", "warning"]
    short: str
    long: str


def parse_anomalies(split: str, serialized: bytes) -> list[Anomaly]:
    """Reads the anomalies of one split.

    Args:
        split: Name of the split.
        serialized: Content of its `SchemaDiff.pb`, a binary `tensorflow.metadata.v0.Anomalies`.

    Returns:
        One anomaly for each reason, by feature. Drift is a warning whatever its severity in
        the file, since TFDV calls it an error; so is what the file calls a warning.

    Raises:
        google.protobuf.message.DecodeError: The bytes are not such a message.
    """
    message = anomalies_pb2.Anomalies.FromString(serialized)
    found: list[Anomaly] = []
    if message.data_missing:
        found.append(Anomaly(split, WHOLE_SPLIT, "error", "the split has no papers", ""))
    if message.HasField("dataset_anomaly_info"):
        found.extend(_parse_reasons(split, WHOLE_SPLIT, message.dataset_anomaly_info))
    for key, info in sorted(message.anomaly_info.items()):
        found.extend(_parse_reasons(split, ".".join(info.path.step) or key, info))
    return found


def describe(anomalies: Sequence[Anomaly]) -> list[str]:
    """Returns a line for each feature and problem.

    Equal findings of several splits share a line: `terms (train, val): missing from some papers`.
    """
    splits: dict[tuple[str, str, str], list[str]] = {}
    for anomaly in anomalies:
        splits.setdefault((anomaly.feature, anomaly.short, anomaly.long), []).append(anomaly.split)
    return [
        f"{feature} ({', '.join(where)}): {short}" + (f" [{long}]" if long else "")
        for (feature, short, long), where in splits.items()
    ]


def error_message(errors: Sequence[Anomaly]) -> str:
    """Returns the message of the error that stops the run: what, where, what to do."""
    findings = "\n".join(f"  - {line}" for line in describe(errors))
    return (
        "The data doesn't match the schema, so the run stopped before training. "
        f"Feature (splits): problem\n{findings}\n"
        "Correct the data and run again; if the data is right, change schema/schema.pbtxt."
    )


def _parse_reasons(split: str, feature: str, info: anomalies_pb2.AnomalyInfo) -> list[Anomaly]:
    """Makes an anomaly of each reason, since one feature may both drift and lack values."""
    found: list[Anomaly] = []
    # Without a reason, the message's own descriptions say it all.
    for reason in info.reason or [info]:
        kind = "" if reason is info else anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
        warns = info.severity == anomalies_pb2.AnomalyInfo.WARNING or kind.startswith(_DRIFT_PREFIX)
        short = _PROBLEMS.get(kind) or reason.short_description or kind or "not as expected"
        found.append(
            Anomaly(split, feature, "warning" if warns else "error", short, reason.description)
        )
    return found
