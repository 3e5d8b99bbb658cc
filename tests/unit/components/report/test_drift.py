"""The comparison of two runs' data, against TFDV's statistics and scipy's divergence."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.report.drift import (
    DataStatistics,
    compare,
    jensen_shannon,
    join_statistics,
    read_statistics,
)


def statistics(labels: dict[str, int], papers: int = 100, **changes) -> DataStatistics:
    values = {"title_bytes": 10.0, "text_bytes": 200.0, "labels_per_paper": 2.0, "complete": True}
    return DataStatistics(papers, labels=labels, **{**values, **changes})


def measured(papers: list[tuple[str, str, list[str]]], buckets: int = 1000):
    """Statistics as StatisticsGen makes them, without Beam."""
    titles, texts, terms = zip(*papers, strict=True)
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array([[each.encode()] for each in titles]),
            pa.array([[each.encode()] for each in texts]),
            pa.array([[each.encode() for each in labels] for labels in terms]),
        ],
        ["titles", "summaries", "terms"],
    )
    options = tfdv.StatsOptions(num_rank_histogram_buckets=buckets)
    from tensorflow_data_validation.statistics import stats_impl

    return stats_impl.generate_statistics_in_memory(batch, options)


PAPERS = [
    ("A title", "größe of it", ["cs.LG", "cs.CV"]),
    ("B", "no", ["cs.LG"]),
    ("Longer title", "abstract", ["cs.LG", "stat.ML", "cs.CV"]),
]
MORE = [("T", "abc", ["68T45"])]


@pytest.fixture
def artifact(tmp_path):
    for split, papers in (("train", PAPERS[:2]), ("val", MORE), ("test", PAPERS[2:])):
        folder = tmp_path / f"Split-{split}"
        folder.mkdir()
        (folder / "FeatureStats.pb").write_bytes(measured(papers).SerializeToString())
    return str(tmp_path)


def test_splits_are_joined(artifact):
    found = read_statistics(artifact)
    assert found.papers == 4
    assert found.labels == {"cs.LG": 3, "cs.CV": 2, "stat.ML": 1, "68T45": 1}
    assert found.labels_per_paper == 7 / 4
    everything = PAPERS + MORE
    for name, column in (("title_bytes", 0), ("text_bytes", 1)):
        lengths = [len(paper[column].encode()) for paper in everything]
        assert getattr(found, name) == pytest.approx(np.mean(lengths), rel=1e-6)
    assert found.complete


def test_statistics_that_keep_only_frequent_labels_say_so():
    cut = measured([("t", "a", [f"label {number}"]) for number in range(5)], buckets=3)
    assert not join_statistics(cut.datasets).complete


def test_data_without_titles_or_papers_has_no_lengths():
    empty = join_statistics([statistics_pb2.DatasetFeatureStatistics()])
    assert empty == DataStatistics(0, 0.0, 0.0, 0.0, {}, complete=True)


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [([1, 0], [0, 3], 1), ([2, 2], [1, 1], 0), ([0, 0], [1, 0], 1), ([0, 0], [0, 0], 0)],
)
def test_divergence_at_the_ends(p, q, expected):
    assert jensen_shannon(np.array(p, float), np.array(q, float)) == pytest.approx(expected)


def test_labels_that_changed_most_come_first():
    before = statistics({"same": 50, "less": 40, "gone": 10})
    now = statistics({"same": 100, "less": 20, "new": 40, "other new": 50}, papers=200)
    found = compare(before, now)
    assert found["papers"] == [100, 200]
    assert found["labels"] == [3, 4]
    assert found["moved"] == [
        {"label": "less", "before": 0.4, "now": 0.1},
        {"label": "other new", "before": 0.0, "now": 0.25},
        {"label": "new", "before": 0.0, "now": 0.2},
        {"label": "gone", "before": 0.1, "now": 0.0},
    ]
    assert found["l_infinity"] == pytest.approx(0.3)
    assert found["new"] == ["other new", "new"]
    assert found["gone"] == ["gone"]


def test_equal_data_has_not_changed():
    one = statistics({"a": 3, "b": 1})
    found = compare(one, one)
    assert found["moved"] == found["new"] == found["gone"] == []
    assert found["l_infinity"] == found["js_divergence"] == 0


def test_no_label_is_new_if_statistics_keep_only_frequent_ones():
    before = statistics({"a": 3}, complete=False)
    found = compare(before, statistics({"a": 3, "b": 9}))
    assert found["new"] == []
    assert found["moved"][0]["label"] == "b"


def test_nothing_against_nothing():
    found = compare(statistics({}, papers=0), statistics({}, papers=0))
    assert found["l_infinity"] == 0
