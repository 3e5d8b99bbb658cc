"""Papers to statistics, ExampleValidator and the data check, with the curated schema."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_transform.tf_metadata import schema_utils
from tfx.components.example_validator.executor import Executor as ExampleValidatorExecutor
from tfx.types import standard_artifacts
from tfx_bsl.coders import example_coder

from components.artifacts import DataCheckReport
from components.data_check.component import Executor
from schema import names
from schema.errors import DataAnomalyError
from tests.support.artifacts import make_artifact
from tests.support.saved_models import feature_example

SCHEMA_FILE = Path(__file__).resolve().parents[4] / "schema" / "schema.pbtxt"

GOOD = [
    {"titles": [f"Title {i}"], "summaries": [f"Abstract {i}"], "terms": ["cs.LG", "stat.ML"]}
    for i in range(8)
]


def make_statistics(papers):
    if not papers:
        empty = statistics_pb2.DatasetFeatureStatisticsList()
        empty.datasets.add()
        return empty
    examples = [feature_example(**paper) for paper in papers]
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(examples)
    return stats_impl.generate_statistics_in_memory(batch)


@pytest.fixture
def check(tmp_path):
    """Runs stock ExampleValidator and our check; returns the check's artifact and its content."""

    def run(train, **others):
        splits = {"train": train, **others}
        statistics = make_artifact(standard_artifacts.ExampleStatistics, tmp_path / "statistics")
        statistics.split_names = json.dumps(list(splits))
        for split, papers in splits.items():
            folder = tmp_path / "statistics" / f"Split-{split}"
            folder.mkdir()
            content = make_statistics(papers).SerializeToString()
            (folder / "FeatureStats.pb").write_bytes(content)
        schema = make_artifact(standard_artifacts.Schema, tmp_path / "schema")
        shutil.copy(SCHEMA_FILE, tmp_path / "schema")
        anomalies = make_artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies")
        ExampleValidatorExecutor().Do(
            {"statistics": [statistics], "schema": [schema]}, {"anomalies": [anomalies]}, {}
        )
        return judge(anomalies, tmp_path)

    return run


def judge(anomalies, folder):
    report = make_artifact(DataCheckReport, folder / "report")
    Executor().Do({"anomalies": [anomalies]}, {"data_check": [report]}, {"source_digest": "x"})
    return report, json.loads((folder / "report" / names.DATA_CHECK_FILE).read_text())


def test_new_labels_non_ascii_and_empty_titles_pass(check):
    unusual = [
        {"titles": [""], "summaries": ["Über $\\ell_1$\nnaïve 机器学习"], "terms": ["cs.NEW"]},
        {"titles": [""], "summaries": ["x" * 1_000_000], "terms": ["68T45", "I.2.6; I.2.10"]},
        {"titles": ["é"], "summaries": [b"\xff\xfe"], "terms": [str(i) for i in range(200)]},
        {"titles": ["No label"], "summaries": ["x"], "terms": []},
        {"titles": ["None left"], "summaries": ["x"], "terms": [], "left_out_terms": ["rare"]},
    ]
    _, content = check(GOOD, val=unusual, test=GOOD[:1])
    assert content == {"passed": True, "errors": [], "warnings": []}


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (
            {"titles": ["t"], "summaries": ["s"]},
            r"terms \(val\): missing from some papers \[.*actual = 0\.88",
        ),
        (
            {"titles": ["t", "u"], "summaries": ["s"], "terms": ["a"]},
            r"titles \(val\): some papers don't have exactly one value",
        ),
        (
            {"titles": ["t"], "summaries": ["s", "s"], "terms": ["a"]},
            r"summaries \(val\): some papers don't have exactly one value",
        ),
        (
            {"titles": ["t"], "terms": ["a"]},
            r"summaries \(val\): missing from some papers",
        ),
        (
            {"titles": ["t"], "summaries": ["s"], "terms": ["a"], "authors": ["A"]},
            r"authors \(val\): not in the schema",
        ),
    ],
    ids=["no terms", "two titles", "two abstracts", "no abstract", "unknown"],
)
def test_one_bad_paper_stops_the_run(check, tmp_path, broken, line):
    with pytest.raises(DataAnomalyError) as raised:
        check(GOOD, val=[*GOOD, broken])
    findings = [text for text in str(raised.value).splitlines() if text.startswith("  - ")]
    feature = line.split()[0]
    assert findings
    assert all(text.startswith(f"  - {feature} (val): ") for text in findings)
    assert any(re.search(line, text) for text in findings)
    assert "schema/schema.pbtxt" in str(raised.value)
    assert raised.value.exit_code == 4
    assert list((tmp_path / "report").iterdir()) == []


@pytest.mark.parametrize("feature", ["titles", "summaries", "terms"])
def test_feature_missing_altogether_stops_the_run(check, feature):
    without = [{name: value for name, value in paper.items() if name != feature} for paper in GOOD]
    told = rf"{feature} \(train, test\): missing from all papers"
    with pytest.raises(DataAnomalyError, match=told):
        check(without, val=GOOD, test=without)


def test_numbers_in_place_of_text_stop_the_run(check):
    numbers = [{**paper, "titles": [3]} for paper in GOOD]
    with pytest.raises(DataAnomalyError, match=r"titles \(train\): .* wrong type \[.*INT"):
        check(numbers)


def test_empty_split_stops_the_run(check):
    with pytest.raises(DataAnomalyError, match=r"\(test\): the split has no papers"):
        check(GOOD, test=[])


def test_drift_of_the_labels_only_warns(tmp_path):
    schema = tfdv.load_schema_text(str(SCHEMA_FILE))
    drifted = make_statistics([{**paper, "terms": ["math.CO"]} for paper in GOOD])
    found = tfdv.validate_statistics(drifted, schema, previous_statistics=make_statistics(GOOD))
    assert found.anomaly_info["terms"].severity == found.anomaly_info["terms"].ERROR
    anomalies = make_artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies")
    anomalies.split_names = json.dumps(["train"])
    (tmp_path / "anomalies" / "Split-train").mkdir()
    path = tmp_path / "anomalies" / "Split-train" / "SchemaDiff.pb"
    path.write_bytes(found.SerializeToString())
    report, content = judge(anomalies, tmp_path)
    (warning,) = content["warnings"]
    assert (warning["feature"], warning["short"]) == ("terms", "its values have drifted")
    assert content["passed"] is True
    assert report.get_int_custom_property("warnings") == 1


def test_schema_gives_transform_one_abstract_per_paper_and_a_list_of_labels():
    schema = tfdv.load_schema_text(str(SCHEMA_FILE))
    assert schema_utils.schema_as_feature_spec(schema).feature_spec == {
        names.TITLES: tf.io.FixedLenFeature([], tf.string),
        names.SUMMARIES: tf.io.FixedLenFeature([], tf.string),
        names.TERMS: tf.io.VarLenFeature(tf.string),
        names.LEFT_OUT_TERMS: tf.io.VarLenFeature(tf.string),
    }
