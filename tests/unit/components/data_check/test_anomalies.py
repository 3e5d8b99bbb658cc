"""TFDV's anomalies, in plain English."""

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.data_check.anomalies import (
    WHOLE_SPLIT,
    Anomaly,
    describe,
    error_message,
    parse_anomalies,
)

Info = anomalies_pb2.AnomalyInfo


def make_message(**features):
    message = anomalies_pb2.Anomalies()
    for name, info in features.items():
        message.anomaly_info[name].CopyFrom(info)
    return message.SerializeToString()


def make_reason(kind, text="text"):
    return Info.Reason(type=kind, short_description=f"short {text}", description=f"long {text}")


def test_each_reason_of_a_feature_is_an_anomaly():
    reasons = [
        make_reason(Info.COMPARATOR_L_INFTY_HIGH, "drift"),
        make_reason(Info.FEATURE_TYPE_LOW_NUMBER_VALUES, "few"),
    ]
    info = Info(severity=Info.ERROR, reason=reasons)
    found = parse_anomalies("train", make_message(terms=info))
    assert [(anomaly.severity, anomaly.long) for anomaly in found] == [
        ("warning", "long drift"),
        ("error", "long few"),
    ]


def test_what_the_file_calls_a_warning_stays_one():
    info = Info(severity=Info.WARNING, reason=[make_reason(Info.SCHEMA_NEW_COLUMN)])
    (found,) = parse_anomalies("train", make_message(authors=info))
    assert found.severity == "warning"


def test_unknown_kinds_and_missing_reasons_keep_tfdvs_description():
    unusual = Info(severity=Info.ERROR, reason=[make_reason(Info.FLOAT_TYPE_HAS_NAN, "nan")])
    bare = Info(severity=Info.ERROR, short_description="odd", description="very odd")
    assert parse_anomalies("train", make_message(summaries=bare, titles=unusual)) == [
        Anomaly("train", "summaries", "error", "odd", "very odd"),
        Anomaly("train", "titles", "error", "short nan", "long nan"),
    ]


def test_anomalies_of_a_whole_split_are_found():
    message = anomalies_pb2.Anomalies()
    reason = make_reason(Info.DATASET_LOW_NUM_EXAMPLES)
    message.dataset_anomaly_info.CopyFrom(Info(severity=Info.ERROR, reason=[reason]))
    (found,) = parse_anomalies("val", message.SerializeToString())
    assert (found.feature, found.severity) == (WHOLE_SPLIT, "error")


def test_equal_findings_share_a_line_of_the_message():
    found = [
        Anomaly(split, "terms", "error", "missing from some papers", "actual = 0.9")
        for split in ("train", "test")
    ]
    found.append(Anomaly("val", "titles", "warning", "missing from all papers", ""))
    lines = [
        "terms (train, test): missing from some papers [actual = 0.9]",
        "titles (val): missing from all papers",
    ]
    assert describe(found) == lines
    message = error_message(found)
    assert all(f"\n  - {line}\n" in message for line in lines)
    assert "schema/schema.pbtxt" in message


def test_a_broken_file_is_an_error():
    with pytest.raises(Exception, match="parsing"):
        parse_anomalies("train", b"\xff\xff\xff")
