"""One run of the command line on the sample: what it tells, writes and pushes."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from sklearn import metrics as oracle

from schema import names
from schema.text import join_title_and_abstract
from tests.support import runs

COMPONENTS = (
    "CsvExampleGen",
    "LastStatistics",
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "DataCheck",
    "Transform",
    "Trainer",
    "Baselines",
    "InfraValidator",
    "LastBlessedModel",
    "Evaluator",
    "Pusher",
    "Report",
)
METRICS = (
    "micro_f1",
    "micro_precision",
    "micro_recall",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "samples_f1",
    "precision@1",
    "precision@3",
    "precision@5",
    "recall@5",
    "ndcg@5",
    "lrap",
    "micro_pr_auc",
    "coverage",
    "suggestions",
    "hamming_loss",
    "binary_accuracy",
    "ece",
    "examples",
    "abstract_only/micro_f1",
    "abstract_only/macro_f1",
    "abstract_only/precision@1",
    "abstract_only/ndcg@5",
    "abstract_only/lrap",
    "threshold",
)


def raw_examples(output, split):
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


@pytest.fixture(scope="module")
def model(first_run):
    _, output = first_run
    (version,) = runs.versions(output)
    return tf.saved_model.load(str(version))


def test_it_tells_what_it_did(first_run):
    run, output = first_run
    assert run.code == 0, run.output
    for component in COMPONENTS:
        assert f"✓ {component}" in run
    assert "Traceback" not in run.output
    # Nothing that a library says reaches the person.
    for chatter in ("WARNING", "FutureWarning", "tensorflow/core", "rendezvous"):
        assert chatter not in run.output
    counts = json.loads((output / "curation.json").read_text())
    assert f"{counts['rows_read']:,} rows read" in run
    assert str(runs.versions(output)[0]) in run.output.replace("\n", "")
    assert run.output.count("true: ") == 3
    assert run.output.count("top 3: ") == 3


def test_it_writes_what_it_promises(first_run):
    _, output = first_run
    metrics = json.loads((output / "metrics.json").read_text())
    assert sorted(metrics) == sorted(METRICS)
    for plot in ("loss.png", "binary_accuracy.png"):
        assert (output / "plots" / plot).stat().st_size > 5_000
    assert list((output / "logs").glob("run-*.log"))
    assert list((output / "pipeline" / "Trainer" / "model_run").glob("*/**/events.out.tfevents*"))


def test_curation_counts_equal_pandas(first_run, sample):
    _, output = first_run
    counts = json.loads((output / "curation.json").read_text())
    rows = pd.read_csv(sample)
    first = rows[~rows["titles"].duplicated()]
    kept = first.groupby("terms").filter(lambda group: len(group) > 1)
    assert counts["rows_read"] == len(rows)
    assert counts["repeats"] == len(rows) - len(first)
    assert counts["kept"] == len(kept)
    papers = [read_paper(each) for split in names.SPLITS for each in raw_examples(output, split)]
    assert sorted(papers) == sorted(
        (title, text, eval(terms))
        for title, text, terms in zip(kept.titles, kept.summaries, kept.terms, strict=True)
    )


def test_metrics_equal_scikit_learn(first_run, model):
    _, output = first_run
    reported = json.loads((output / "metrics.json").read_text())
    (version,) = runs.versions(output)
    labels = (version / "assets" / names.LABEL_VOCABULARY).read_text().splitlines()
    papers = [read_paper(each) for each in raw_examples(output, names.TEST)]
    texts = [join_title_and_abstract(title, abstract) for title, abstract, _ in papers]
    scores = model.signatures["probabilities"](text=tf.constant(texts))["probabilities"].numpy()
    assert {term for *_, terms in papers for term in terms} <= set(labels)
    truth = np.array([[label in terms for label in labels] for *_, terms in papers])
    suggested = scores >= np.float32(reported["threshold"])

    assert reported["examples"] == len(papers)
    best = np.argsort(-scores, axis=1)
    expected = {
        "micro_f1": oracle.f1_score(truth, suggested, average="micro"),
        "macro_f1": oracle.f1_score(truth, suggested, average="macro", zero_division=0),
        **{
            f"precision@{k}": np.take_along_axis(truth, best[:, :k], axis=1).mean()
            for k in (1, 3, 5)
        },
        "ndcg@5": oracle.ndcg_score(truth, scores, k=5),
        "lrap": oracle.label_ranking_average_precision_score(truth, scores),
        "binary_accuracy": ((scores >= 0.5) == truth).mean(),
    }
    for name, value in expected.items():
        assert reported[name] == pytest.approx(value, abs=1e-6), name


def test_the_report_agrees_with_the_metrics_and_with_scikit_learn(first_run, model):
    _, output = first_run
    metrics = json.loads((output / "metrics.json").read_text())
    report = json.loads((output / "report" / "report.json").read_text())
    (version,) = runs.versions(output)
    assert report["verdict"] == {"state": "blessed", "reasons": [], "version": version.name}
    assert report["data"]["drift"] == {"state": "first"}
    # TFMA's figures and those that the report computes itself.
    for row in report["headline"]:
        assert row["value"] == pytest.approx(metrics[row["metric"]], abs=1e-6), row["metric"]
        assert set(row["baselines"]) == {"none", "frequent", "linear_svc"}

    papers = [read_paper(each) for each in raw_examples(output, names.TEST)]
    texts = [join_title_and_abstract(title, abstract) for title, abstract, _ in papers]
    scores = model.signatures["probabilities"](text=tf.constant(texts))["probabilities"].numpy()
    labels = (version / "assets" / names.LABEL_VOCABULARY).read_text().splitlines()
    truth = np.array([[label in terms for label in labels] for *_, terms in papers])
    table = pd.read_csv(output / "report" / "labels.tsv", sep="\t")
    assert list(table.label) == labels
    suggested = scores >= np.float32(metrics["threshold"])
    assert list(table.support) == truth.sum(axis=0).tolist()
    assert list(table.suggested) == suggested.sum(axis=0).tolist()
    for column, expected in zip(
        ("precision", "recall", "f1"),
        oracle.precision_recall_fscore_support(truth, suggested, average=None, zero_division=0),
        strict=False,
    ):
        np.testing.assert_allclose(table[column], expected, atol=1e-6)


def test_the_report_is_told_on_the_command_line(first_run):
    _, output = first_run
    run = runs.tagger("report", "--output", output)
    assert run.code == 0, run.output
    metrics = json.loads((output / "metrics.json").read_text())
    assert f"micro-F1 {metrics['micro_f1']:.3f} [" in run
    assert "LinearSVC" in run
    assert str(output / "report" / "index.html") in run.output.replace("\n", "")
    assert "How good is this model?" in (output / "report" / "index.html").read_text("utf-8")


def test_threshold_is_the_best_on_validation(first_run, model):
    _, output = first_run
    threshold = json.loads((output / "metrics.json").read_text())["threshold"]
    (version,) = runs.versions(output)
    labels = (version / "assets" / names.LABEL_VOCABULARY).read_text().splitlines()
    papers = [read_paper(each) for each in raw_examples(output, names.VALIDATION)]
    texts = [join_title_and_abstract(title, abstract) for title, abstract, _ in papers]
    scores = model.signatures["probabilities"](text=tf.constant(texts))["probabilities"].numpy()
    truth = np.array([[label in terms for label in labels] for *_, terms in papers])

    def micro_f1(cut):
        return oracle.f1_score(truth, scores >= np.float32(cut), average="micro")

    best = max(micro_f1(cut) for cut in np.unique(scores))
    assert micro_f1(threshold) == pytest.approx(best, abs=2e-3)


def read_weights(version):
    """The network's variables in the pushed SavedModel, in the order of its layers."""
    checkpoint = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    numbers = {
        int(match[1]): name
        for name in checkpoint.get_variable_to_shape_map()
        if (match := re.match(r"_weights/(\d+)/", name))
    }
    return [checkpoint.get_tensor(numbers[number]) for number in sorted(numbers)]


def test_no_skew_between_training_and_serving(first_run, model):
    """The pushed model on raw text says what the network says of the transformed examples."""
    _, output = first_run
    (graph,) = (output / "pipeline" / "Transform" / "transform_graph").iterdir()
    (transformed,) = (output / "pipeline" / "Transform" / "transformed_examples").iterdir()
    spec = tft.TFTransformOutput(str(graph)).transformed_feature_spec()
    files = sorted(map(str, (transformed / f"Split-{names.TEST}").glob("*.gz")))
    records = [record.numpy() for record in tf.data.TFRecordDataset(files, "GZIP")]
    tfidf = tf.sparse.to_dense(tf.io.parse_example(records, spec)[names.TFIDF]).numpy()

    (version,) = runs.versions(output)
    kernel, bias, *upper = read_weights(version)
    hidden = np.maximum(tfidf @ kernel + bias, 0)
    # A kernel and a bias for each member, which sees its own part of the hidden layer.
    members = len(upper) // 2
    parts = np.split(hidden, members, axis=1)
    pairs = zip(parts, upper[::2], upper[1::2], strict=True)
    logits = np.mean([part @ weights + biases for part, weights, biases in pairs], axis=0)
    expected = 1 / (1 + np.exp(-logits.astype(np.float64)))

    texts = [
        join_title_and_abstract(title, abstract)
        for title, abstract, _ in map(read_paper, raw_examples(output, names.TEST))
    ]
    found = model.signatures["probabilities"](text=tf.constant(texts))["probabilities"].numpy()
    # Transform may order its records otherwise than ExampleGen.
    distances = np.abs(found[:, None, :] - expected[None, :, :]).max(axis=2)
    partner = distances.argmin(axis=1)
    assert sorted(partner) == list(range(len(texts)))
    np.testing.assert_allclose(found, expected[partner], atol=1e-5)


def test_the_gate_would_refuse_the_most_frequent_labels(first_run):
    """The floors of the profile are above what needs no model."""
    from pipeline.config import load_config

    _, output = first_run
    papers = [read_paper(each) for each in raw_examples(output, names.TEST)]
    labels = pd.Series([term for *_, terms in papers for term in terms]).value_counts()
    truth = np.array([[label in terms for label in labels.index] for *_, terms in papers])
    floors = load_config("sample").gate.floors
    scores = np.tile(labels.to_numpy() / len(papers), (len(papers), 1))
    best_f1 = max(
        oracle.f1_score(truth, scores >= cut, average="micro") for cut in np.unique(scores)
    )
    assert best_f1 < floors["micro_f1"]
    assert oracle.label_ranking_average_precision_score(truth, scores) < floors["lrap"]


def test_predict_answers_from_the_pushed_model(first_run):
    _, output = first_run
    run = runs.tagger("predict", "--model", output, "--json", "We train deep neural networks.")
    assert run.code == 0, run.output
    (line,) = run.output.splitlines()
    answer = json.loads(line)
    scores = [each["score"] for each in answer["suggestions"]]
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)

    several = subprocess.run(
        runs.command("predict", "--model", output, "--json"),
        input="One text\nAnother text\n",
        cwd=runs.REPOSITORY,
        env=runs.environment(),
        capture_output=True,
        text=True,
    )
    assert [json.loads(line)["text"] for line in several.stdout.splitlines()] == [
        "One text",
        "Another text",
    ]


def test_the_model_answers_where_none_of_our_code_is(first_run, tmp_path):
    _, output = first_run
    (version,) = runs.versions(output)
    script = f"""
import importlib.util, sys
assert importlib.util.find_spec("components") is None
import tensorflow as tf
model = tf.saved_model.load({str(version)!r})
answer = model.signatures["serving_default"](text=tf.constant(["deep networks", ""]))
assert answer["labels"].shape == (2, 10), answer
"""
    # The checkout is installed in editable mode: -S leaves its hook out, so the packages' folder
    # is named by hand.
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": packages, "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
