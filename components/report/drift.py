"""How the data differs from the last run's, by StatisticsGen's statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

from schema import names

# StatisticsGen's file in each split's folder.
STATISTICS_FILE: Final = "FeatureStats.pb"

_MOVED: Final = 10


@dataclass(frozen=True)
class DataStatistics:
    """The statistics of all splits together.

    Attributes:
        papers: Number of papers.
        title_bytes: Mean length of a title.
        text_bytes: Mean length of an abstract.
        labels_per_paper: Mean number of labels of a paper.
        labels: Number of papers with each label.
        complete: Whether `labels` holds all labels: StatisticsGen keeps the thousand most
            frequent ones of a split.
    """

    papers: int
    title_bytes: float
    text_bytes: float
    labels_per_paper: float
    labels: dict[str, int]
    complete: bool


def read_statistics(uri: str) -> DataStatistics:
    """Reads the ExampleStatistics artifact in a folder, all splits together."""
    found = []
    for split in names.SPLITS:
        with fileio.open(f"{uri}/Split-{split}/{STATISTICS_FILE}", "rb") as file:
            message = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
        found.extend(message.datasets)
    return join_statistics(found)


def join_statistics(
    datasets: Sequence[statistics_pb2.DatasetFeatureStatistics],
) -> DataStatistics:
    """Joins the statistics of several splits; means are weighted by the number of papers."""
    papers = sum(int(each.num_examples) for each in datasets)
    labels: Counter[str] = Counter()
    titles = abstracts = values = 0.0
    complete = True
    for each in datasets:
        features = {feature.path.step[0]: feature for feature in each.features}
        titles += each.num_examples * _mean_bytes(features, names.TITLES)
        abstracts += each.num_examples * _mean_bytes(features, names.SUMMARIES)
        if names.TERMS not in features:
            continue
        terms = features[names.TERMS].string_stats
        buckets = terms.rank_histogram.buckets
        labels.update({bucket.label: int(bucket.sample_count) for bucket in buckets})
        values += terms.common_stats.tot_num_values
        complete = complete and len(buckets) >= terms.unique
    return DataStatistics(
        papers,
        titles / max(papers, 1),
        abstracts / max(papers, 1),
        values / max(papers, 1),
        dict(labels),
        complete,
    )


def compare(before: DataStatistics, now: DataStatistics) -> dict[str, Any]:
    """Compares the data of two runs.

    Returns:
        Ready for JSON: `papers`, `labels`, `title_bytes`, `text_bytes` and `labels_per_paper`,
        each before and now; `l_infinity`, the largest change of a label's share of the papers;
        `js_divergence`, the Jensen-Shannon divergence of the label frequencies, to base 2, as in
        TensorFlow Data Validation; `moved`, the labels whose share of the papers changed most,
        with both shares; `new` and `gone` labels, empty if the statistics hold only the most
        frequent labels.
    """
    labels = sorted({*before.labels, *now.labels})
    shares = [_shares(each, labels) for each in (before, now)]
    change = np.abs(shares[1] - shares[0])
    moved = [place for place in np.argsort(-change, kind="stable")[:_MOVED] if change[place] > 0]
    complete = before.complete and now.complete
    return {
        "papers": [before.papers, now.papers],
        "labels": [len(before.labels), len(now.labels)],
        "title_bytes": [before.title_bytes, now.title_bytes],
        "text_bytes": [before.text_bytes, now.text_bytes],
        "labels_per_paper": [before.labels_per_paper, now.labels_per_paper],
        "l_infinity": float(change.max(initial=0.0)),
        "js_divergence": jensen_shannon(*shares),
        "moved": [
            {
                "label": labels[place],
                "before": float(shares[0][place]),
                "now": float(shares[1][place]),
            }
            for place in moved
        ],
        "new": _missing(now, before) if complete else [],
        "gone": _missing(before, now) if complete else [],
    }


def jensen_shannon(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Returns the Jensen-Shannon divergence of two frequencies, to base 2, from 0 to 1.

    Each is scaled to a sum of 1; if one sums to 0 it is 0 if the other does too, else 1.
    """
    if not p.sum() or not q.sum():
        return float(bool(p.sum()) != bool(q.sum()))
    # SciPy returns its square root.
    return float(jensenshannon(p, q, base=2) ** 2)


def _shares(statistics: DataStatistics, labels: Sequence[str]) -> NDArray[np.float64]:
    counts = np.array([statistics.labels.get(label, 0) for label in labels], dtype=np.float64)
    return counts / max(statistics.papers, 1)


def _missing(one: DataStatistics, other: DataStatistics) -> list[str]:
    """Returns the labels of one that the other lacks, most frequent first."""
    found = [label for label in one.labels if label not in other.labels]
    return sorted(found, key=lambda label: (-one.labels[label], label))


def _mean_bytes(features: Mapping[str, Any], name: str) -> float:
    return float(features[name].string_stats.avg_length) if name in features else 0.0
