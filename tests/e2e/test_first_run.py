"""One run of the command line on the sample: what it tells, writes and pushes."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from sklearn import metrics as oracle

from components.metrics.names import METRIC_NAMES
from pipeline.config import load_config
from pipeline.local.node_summary import PURPOSES
from schema import names
from schema.text import join_title_and_abstract
from tests.support import runs
from tests.support.command_line import flat, invoke

IN_PARTS = ("micro_f1", "macro_f1", "precision@1", "ndcg@5", "lrap")


def raw_examples(output: Path, split: str) -> list[bytes]:
    (folder,) = (output / "pipeline" / "CsvExampleGen" / "examples").iterdir()
    files = sorted(map(str, (folder / f"Split-{split}").glob("*.gz")))
    return [record.numpy() for record in tf.data.TFRecordDataset(files, "GZIP")]


def read_paper(serialized):
    feature = tf.train.Example.FromString(serialized).features.feature
    return (
        feature[names.TITLES].bytes_list.value[0].decode(),
        feature[names.SUMMARIES].bytes_list.value[0].decode(),
        [term.decode() for term in feature[names.TERMS].bytes_list.value],
    )


class Scored(NamedTuple):
    """The pushed model's probabilities of a split's papers, and which labels are true; [n, L]."""

    labels: list[str]
    scores: np.ndarray
    truth: np.ndarray


@pytest.fixture(scope="module")
def output(first_run) -> Path:
    return first_run.output


@pytest.fixture(scope="module")
def version(output) -> Path:
    (version,) = runs.versions(output)
    return version


@pytest.fixture(scope="module")
def metrics(output) -> dict[str, float]:
    return json.loads((output / "metrics.json").read_text())


@pytest.fixture(scope="module")
def score(output, version) -> Callable[[str], Scored]:
    labels = (version / "assets" / names.LABEL_VOCABULARY).read_text().splitlines()
    model = tf.saved_model.load(str(version))

    @functools.cache
    def call(split: str) -> Scored:
        papers = [read_paper(each) for each in raw_examples(output, split)]
        assert {term for *_, terms in papers for term in terms} <= set(labels)
        texts = tf.constant([join_title_and_abstract(title, text) for title, text, _ in papers])
        scores = model.signatures["probabilities"](text=texts)["probabilities"].numpy()
        truth = np.array([[label in terms for label in labels] for *_, terms in papers])
        return Scored(labels, scores, truth)

    return call


def test_it_tells_what_it_did(first_run, version):
    run = first_run.run
    assert run.code == 0, run.output
    for component in PURPOSES.keys() - {"Tuner"}:
        assert f"✓ {component}" in run
    assert "Traceback" not in run.output
    # Nothing that a library says reaches the person.
    for chatter in ("WARNING", "FutureWarning", "tensorflow/core", "rendezvous"):
        assert chatter not in run.output
    counts = json.loads((first_run.output / "curation.json").read_text())
    assert f"{counts['rows_read']:,} rows read" in run
    assert f"serving/arxiv_tagger/{version.name}" in run.output.replace("\n", "")
    assert run.output.count("true: ") == 3
    assert run.output.count("top 3: ") == 3


def test_the_log_of_a_first_run_frightens_nobody(output):
    """There is nothing to compare with yet, which is no error."""
    (log,) = (path.read_text() for path in (output / "logs").iterdir())
    assert "1 replicas, float32" in log
    assert "(SparseDense)" in log
    for chatter in ("Traceback", "ERROR", "WARNING absl", "Running as"):
        assert chatter not in log


def test_it_writes_what_it_promises(output, metrics):
    parts = ("abstract_only", "vocabulary_only")
    of_parts = [f"{part}/{name}" for part in parts for name in IN_PARTS]
    assert sorted(metrics) == sorted([*METRIC_NAMES, *of_parts, "threshold"])
    for plot in ("loss.svg", "binary_accuracy.svg", "lrap.svg"):
        assert (output / "plots" / plot).stat().st_size > 2_000
    assert list((output / "logs").glob("run-*.log"))
    assert list((output / "pipeline" / "Trainer" / "model_run").glob("*/**/events.out.tfevents*"))


def test_the_report_agrees_with_the_metrics_and_with_scikit_learn(output, version, metrics, score):
    report = json.loads((output / "report" / "report.json").read_text())
    assert report["verdict"] == {"state": "blessed", "reasons": [], "version": version.name}
    assert report["data"]["drift"] == {"state": "first"}
    # TFMA's figures and those that the report computes itself.
    for row in report["headline"]:
        assert row["value"] == pytest.approx(metrics[row["metric"]], abs=1e-6), row["metric"]
        assert set(row["baselines"]) == {"none", "frequent", "linear_svc"}

    labels, scores, truth = score(names.TEST)
    assert metrics["examples"] == len(truth)
    suggested = scores >= np.float32(metrics["threshold"])
    table = pd.read_csv(output / "report" / "labels.tsv", sep="\t")
    assert list(table.label) == labels
    assert list(table.support) == truth.sum(axis=0).tolist()
    assert list(table.suggested) == suggested.sum(axis=0).tolist()
    for column, expected in zip(
        ("precision", "recall", "f1"),
        oracle.precision_recall_fscore_support(truth, suggested, average=None, zero_division=0),
        strict=False,
    ):
        np.testing.assert_allclose(table[column], expected, atol=1e-6)


def test_the_report_is_shown_on_the_command_line(output, metrics):
    done = invoke("report", "--output", output)
    assert done.exit_code == 0, done.output
    assert f"micro-F1 {metrics['micro_f1']:.3f} [" in flat(done.output)
    assert "LinearSVC" in done.output
    assert str(output / "report" / "index.html") in done.output.replace("\n", "")


def test_threshold_is_the_best_on_validation(metrics, score):
    _, scores, truth = score(names.VALIDATION)

    def micro_f1(cut):
        return oracle.f1_score(truth, scores >= np.float32(cut), average="micro")

    best = max(micro_f1(cut) for cut in np.unique(scores))
    assert micro_f1(metrics["threshold"]) == pytest.approx(best, abs=2e-3)


def read_weights(version):
    """The network's variables in the pushed SavedModel, in the order of its layers."""
    checkpoint = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    numbers = {
        int(match[1]): name
        for name in checkpoint.get_variable_to_shape_map()
        if (match := re.match(r"_weights/(\d+)/", name))
    }
    return [checkpoint.get_tensor(numbers[number]) for number in sorted(numbers)]


def test_no_skew_between_training_and_serving(output, version, score):
    """The pushed model on raw text says what the network says of the transformed examples."""
    (graph,) = (output / "pipeline" / "Transform" / "transform_graph").iterdir()
    (transformed,) = (output / "pipeline" / "Transform" / "transformed_examples").iterdir()
    spec = tft.TFTransformOutput(str(graph)).transformed_feature_spec()
    files = sorted(map(str, (transformed / f"Split-{names.TEST}").iterdir()))
    records = [record.numpy() for record in tf.data.TFRecordDataset(files)]
    tfidf = tf.sparse.to_dense(tf.io.parse_example(records, spec)[names.TFIDF]).numpy()

    kernel, bias, *upper = read_weights(version)
    hidden = np.maximum(tfidf @ kernel + bias, 0)
    # A kernel and a bias for each member, which sees its own part of the hidden layer.
    members = len(upper) // 2
    parts = np.split(hidden, members, axis=1)
    pairs = zip(parts, upper[::2], upper[1::2], strict=True)
    logits = np.mean([part @ weights + biases for part, weights, biases in pairs], axis=0)
    expected = 1 / (1 + np.exp(-logits.astype(np.float64)))

    found = score(names.TEST).scores
    # Transform may order its records otherwise than ExampleGen.
    distances = np.abs(found[:, None, :] - expected[None, :, :]).max(axis=2)
    partner = distances.argmin(axis=1)
    assert sorted(partner) == list(range(len(found)))
    np.testing.assert_allclose(found, expected[partner], atol=1e-5)


def test_the_gate_would_refuse_the_most_frequent_labels(score):
    """The floors of the profile are above what needs no model."""
    truth = score(names.TEST).truth
    floors = load_config("sample").gate.floors
    scores = np.tile(truth.mean(axis=0), (len(truth), 1))
    best_f1 = max(
        oracle.f1_score(truth, scores >= cut, average="micro") for cut in np.unique(scores)
    )
    assert best_f1 < floors["micro_f1"]
    assert oracle.label_ranking_average_precision_score(truth, scores) < floors["lrap"]


def test_predict_answers_from_the_pushed_model(output):
    done = invoke("predict", "--model", output, "--json", "We train deep neural networks.")
    assert done.exit_code == 0, done.output
    (line,) = done.output.splitlines()
    scores = [each["score"] for each in json.loads(line)["suggestions"]]
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)
