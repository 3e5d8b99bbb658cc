"""TFDV's anomalies, in plain English."""

from __future__ import annotations

import json

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.data_check.anomalies import (
    WHOLE_SPLIT,
    Anomaly,
    describe,
    error_message,
    errors_among,
    parse_anomalies,
    summarize,
)

Info = anomalies_pb2.AnomalyInfo


def make_message(**features: anomalies_pb2.AnomalyInfo) -> bytes:
    message = anomalies_pb2.Anomalies()
    for name, info in features.items():
        message.anomaly_info[name].CopyFrom(info)
    return bytes(message.SerializeToString())


def make_reason(kind: int, text: str = "text") -> anomalies_pb2.AnomalyInfo.Reason:
    return Info.Reason(type=kind, short_description=f"short {text}", description=f"long {text}")


def test_no_anomalies_pass() -> None:
    assert parse_anomalies("train", b"") == []
    assert summarize([]) == {"passed": True, "errors": [], "warnings": []}


def test_a_split_without_papers_is_an_error() -> None:
    found = parse_anomalies("test", anomalies_pb2.Anomalies(data_missing=True).SerializeToString())
    assert found == [Anomaly("test", WHOLE_SPLIT, "error", "the split has no papers", "")]


def test_each_reason_of_a_feature_is_an_anomaly() -> None:
    info = Info(
        severity=Info.ERROR,
        reason=[
            make_reason(Info.COMPARATOR_L_INFTY_HIGH, "drift"),
            make_reason(Info.FEATURE_TYPE_LOW_NUMBER_VALUES, "few"),
        ],
    )
    found = parse_anomalies("train", make_message(terms=info))
    assert [(anomaly.severity, anomaly.long) for anomaly in found] == [
        ("warning", "long drift"),
        ("error", "long few"),
    ]
    assert [anomaly.long for anomaly in errors_among(found)] == ["long few"]


def test_what_the_file_calls_a_warning_stays_one() -> None:
    info = Info(severity=Info.WARNING, reason=[make_reason(Info.SCHEMA_NEW_COLUMN)])
    assert errors_among(parse_anomalies("train", make_message(authors=info))) == []


def test_unknown_kinds_and_missing_reasons_keep_tfdvs_description() -> None:
    unusual = Info(severity=Info.ERROR, reason=[make_reason(Info.FLOAT_TYPE_HAS_NAN, "nan")])
    bare = Info(severity=Info.ERROR, short_description="odd", description="very odd")
    found = parse_anomalies("train", make_message(summaries=bare, titles=unusual))
    assert found == [
        Anomaly("train", "summaries", "error", "odd", "very odd"),
        Anomaly("train", "titles", "error", "short nan", "long nan"),
    ]


def test_dataset_anomalies_are_found() -> None:
    message = anomalies_pb2.Anomalies()
    message.dataset_anomaly_info.CopyFrom(
        Info(severity=Info.ERROR, reason=[make_reason(Info.DATASET_LOW_NUM_EXAMPLES)])
    )
    (found,) = parse_anomalies("val", message.SerializeToString())
    assert (found.feature, found.severity) == (WHOLE_SPLIT, "error")


def test_equal_findings_share_a_line() -> None:
    found = [
        Anomaly(split, "terms", "error", "missing from some papers", "actual = 0.9")
        for split in ("train", "test")
    ]
    found.append(Anomaly("val", "titles", "warning", "missing from all papers", ""))
    assert describe(found) == [
        "terms (train, test): missing from some papers [actual = 0.9]",
        "titles (val): missing from all papers",
    ]


def test_message_names_every_error_and_what_to_do() -> None:
    message = error_message([Anomaly("train", "terms", "error", "missing from all papers", "gone")])
    assert "terms (train): missing from all papers [gone]" in message
    assert "schema/schema.pbtxt" in message


def test_summary_is_json_with_errors_and_warnings_apart() -> None:
    error = Anomaly("train", "terms", "error", "a", "b")
    warning = Anomaly("val", "terms", "warning", "c", "d")
    summary = json.loads(json.dumps(summarize([warning, error])))
    assert summary["passed"] is False
    assert [item["short"] for item in summary["errors"]] == ["a"]
    assert [item["split"] for item in summary["warnings"]] == ["val"]


def test_a_broken_file_is_an_error() -> None:
    with pytest.raises(Exception, match="parsing"):
        parse_anomalies("train", b"\xff\xff\xff")
