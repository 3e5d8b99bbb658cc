"""Somebody else's data: other column names, another separator, their own split, bad rows, tuned."""

from __future__ import annotations

import ast
import csv
import json

import pytest
import tensorflow as tf

from components.tuner.results import read_trials, trial_table
from pipeline.sample.generator import generate
from schema import names
from tests.support import runs

PROFILE = """
data:
  columns: {title: headline, text: body, labels: topics, split: fold}
  label_separator: ";"
  min_label_set_count: 1
features: {max_tokens: 3000, weighting: keras}
trainer: {hidden_units: [64, 32], epochs: 4, optimizer: adam, batch_size: 32,
          learning_rate: 0.01}
tuner:
  enabled: true
  space: {learning_rate: {min: 0.005, max: 0.05, log: true}, hidden_units: [[64]]}
  trials: 2
gate: {floors: {micro_f1: 0.2}, max_drop_from_baseline: {}}
serving: {top_k: 3}
"""
FOLDS = {"train": "train", "validation": "val", "test": "test"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    (folder / "mine.yaml").write_text(PROFILE)
    expected: dict[str, set[str]] = {split: set() for split in FOLDS.values()}
    seen: set[str] = set()
    with (folder / "articles.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "fold", "topics", "body", "headline"])
        for number, row in enumerate(generate(600, 11)):
            fold = ("test", "validation", "train", "train", "train")[number % 5]
            topics = ";".join(ast.literal_eval(row.terms))
            writer.writerow([number, fold, topics, row.summaries, row.titles])
            if row.titles not in seen:
                seen.add(row.titles)
                expected[FOLDS[fold]].add(row.titles)
        writer.writerow(["600", "training?", "a;b", "A body.", "A headline of its own"])
        writer.writerow(["601", "train", "", "A body.", "Another headline"])
        file.write("602,train,a\n")
    # Paths are never patterns.
    output = folder / "[out] *?"
    return run_again(output), output, expected


def run_again(output):
    folder = output.parent
    return runs.tagger(
        "run", "--data", folder / "articles.csv", "--profile", folder / "mine.yaml",
        "--output", output,
    )  # fmt: skip


def test_it_is_pushed(finished):
    run, output, _ = finished
    assert run.code == 0, run.output
    assert len(runs.versions(output)) == 1


def test_its_own_split_is_kept(finished):
    _, output, expected = finished
    (folder,) = (output / "pipeline" / "CsvExampleGen" / "examples").iterdir()
    for split, titles in expected.items():
        files = sorted(map(str, (folder / f"Split-{split}").glob("*.gz")))
        found = {
            tf.train.Example.FromString(record.numpy())
            .features.feature[names.TITLES]
            .bytes_list.value[0]
            .decode()
            for record in tf.data.TFRecordDataset(files, "GZIP")
        }
        assert found == titles


def test_its_labels_are_split_at_the_separator(finished):
    _, output, _ = finished
    (version,) = runs.versions(output)
    labels = (version / "assets" / names.LABEL_VOCABULARY).read_text().splitlines()
    assert "cs.LG" in labels
    assert not [label for label in labels if ";" in label and not label.startswith("I.")]


def test_bad_rows_are_counted_and_kept(finished):
    _, output, _ = finished
    counts = json.loads((output / "curation.json").read_text())
    letters = [
        json.loads(line) for line in (output / "dead_letters.jsonl").read_text().splitlines()
    ]
    assert counts["dead_letters"] == len(letters) == 2
    assert counts["unlabelled"] == 1
    assert counts["rows_read"] == 603
    assert counts["rows_read"] == (
        counts["kept"]
        + counts["repeats"]
        + counts["label_set_rows_dropped"]
        + counts["unlabelled"]
        + counts["dead_letters"]
    )
    assert letters[0]["fields"][0] == "600"
    assert "training?" in letters[0]["reason"]


def test_predict_gives_as_many_labels_as_asked_for(finished):
    _, output, _ = finished
    run = runs.tagger("predict", "--model", output, "--json", "a text")
    assert len(json.loads(run.output)["suggestions"]) == 3


def test_trainer_trains_by_the_best_trial_as_the_trial_did(finished):
    run, output, _ = finished
    (folder,) = (output / "pipeline" / "Tuner" / "tuner_results").iterdir()
    best, other = read_trials(str(folder))
    (own,) = (trial["values"] for trial in (best, other) if trial["number"] == 1)
    assert own == {"learning_rate": 0.01, "hidden_units": [64, 32]}
    assert best["lrap"] > other["lrap"]
    (version,) = runs.versions(output)
    info = json.loads((version / names.EXTRA_ASSETS_DIR / names.MODEL_INFO_FILE).read_text())
    assert best["values"].items() <= info["settings"].items()
    # To the bit: the same papers, seed, loss and early stopping.
    assert info["validation"]["val_lrap"] == best["lrap"]
    assert json.loads((output / "report" / "report.json").read_text())["tuning"] == [best, other]
    for row in trial_table([best, other])[1:]:
        assert " ".join(row) in run


def test_a_second_run_searches_nothing_again(finished):
    _, output, _ = finished
    assert run_again(output).code == 0
    counts = runs.executions(output)
    for node in ("Tuner", "Trainer"):
        assert counts[node] == {"COMPLETE": 1, "CACHED": 1}
    assert len(runs.versions(output)) == 1
