"""`arxiv-tagger drift` on a small model, whose scores depend on the letters of a text."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from pipeline.sample.generator import generate
from tests.support.command_line import flat, invoke
from tests.support.saved_models import small_tagger

ROWS = [row for row in generate(1300, 3) if row.summaries.strip() and row.titles.strip()]
KNOWN, ASKED = ROWS[:600], ROWS[600:1000]
LABELS = ("cs.LG", "stat.ML")
LIMITS = dict.fromkeys(("text_length", "known_share", "best_score"), 0.05)
LIMITS |= {"suggestions": 0.15, "label": 0.15}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("serving") / "1700000000"
    small_tagger(path, threshold=0.8)
    return path


@pytest.fixture
def reference(tmp_path):
    path = tmp_path / "known.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("titles", "summaries"), *((row[:2]) for row in KNOWN)])
    return path


def write_lines(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def metrics(path):
    lines = [line.rpartition(" ") for line in path.read_text().splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in lines}


def test_texts_from_the_same_source_have_not_drifted(model, reference, tmp_path):
    texts = write_lines(tmp_path / "asked.jsonl", [f"{row[0]}\n{row[1]}" for row in ASKED])
    textfile = tmp_path / "drift.prom"
    done = invoke(
        *("drift", "--model", model, "--reference", reference),
        *("--requests", texts, "--textfile", textfile),
    )
    assert done.exit_code == 0, done.output
    written = metrics(textfile)
    for feature, limit in LIMITS.items():
        assert written[f'arxiv_tagger_drift_distance{{feature="{feature}"}}'] < limit
        assert written[f'arxiv_tagger_drift_limit{{feature="{feature}"}}'] == limit


def test_titles_alone_have_drifted(model, reference, tmp_path):
    titles = write_lines(tmp_path / "asked.jsonl", [row.titles for row in ASKED])
    textfile = tmp_path / "drift.prom"
    done = invoke(
        *("drift", "--model", model, "--reference", reference),
        *("--requests", titles, "--textfile", textfile),
    )
    assert done.exit_code == 4
    assert "Drifted: " in done.output
    assert "text length" in flat(done.output)
    # No title is as long as an abstract.
    assert metrics(textfile)['arxiv_tagger_drift_distance{feature="text_length"}'] == 1


def prediction(text, label, known_share, signature="", answered=True):
    log = PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    log.predict_log.request.inputs["text"].CopyFrom(tf.make_tensor_proto([text]))
    if answered:
        outputs = {
            "labels": np.array([[label, "math.CO"]], object),
            "scores": np.array([[0.75, 0.25]], np.float32),
            "suggested": np.array([[True, False]]),
            "known_share": np.array([known_share], np.float32),
        }
        for name, value in outputs.items():
            log.predict_log.response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log.SerializeToString()


def write_log(path, records, packing=""):
    with tf.io.TFRecordWriter(str(path), packing) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.mark.parametrize("packing", ["", "GZIP", "ZLIB"])
def test_a_log_is_taken_at_its_word(model, tmp_path, packing):
    dice = np.random.default_rng(5)
    usual, odd = dice.uniform(0.8, 1, 400), dice.uniform(0, 0.2, 400)
    known = write_log(
        tmp_path / "known", (prediction("a b", LABELS[i % 4 == 0], usual[i]) for i in range(400))
    )
    asked = [prediction("a b", LABELS[i % 2 == 0], odd[i]) for i in range(400)]
    # Neither another signature nor another method counts.
    asked += [prediction("a", "cs.CV", 1, "probabilities"), PredictionLog().SerializeToString()]
    textfile = tmp_path / "drift.prom"
    done = invoke(
        *("drift", "--model", model, "--reference", known, "--textfile", textfile),
        *("--requests", write_log(tmp_path / "asked", asked, packing)),
    )
    assert done.exit_code == 4
    assert "cs.LG: 75.0%" in flat(done.output)
    assert "cs.LG: 50.0%" in flat(done.output)
    written = metrics(textfile)
    assert "400 known texts, 400 asked" in done.output
    assert written['arxiv_tagger_drift_distance{feature="label"}'] == 0.25
    assert written['arxiv_tagger_drift_distance{feature="known_share"}'] == 1
    assert written['arxiv_tagger_drift_distance{feature="suggestions"}'] == 0


def test_the_model_answers_what_a_log_does_not(model, reference, tmp_path):
    texts = [f"{row[0]}\n{row[1]}" for row in ASKED]
    log = write_log(tmp_path / "log", (prediction(each, "", 0, answered=False) for each in texts))
    arguments = ("drift", "--model", model, "--reference", reference, "--requests")
    lines = write_lines(tmp_path / "asked.jsonl", texts)
    assert invoke(*arguments, log).output == invoke(*arguments, lines).output != ""


def test_unusable_requests_say_why(model, reference, tmp_path):
    def refusal(path, reference=reference):
        done = invoke("drift", "--model", model, "--reference", reference, "--requests", path)
        assert done.exit_code == 3
        return done.output

    assert "7 texts asked, 600 known: fewer than 200" in refusal(
        write_lines(tmp_path / "7.jsonl", 7 * ["a"])
    )
    log = write_log(tmp_path / "log", [prediction("a", "a", 0)] * 300)
    whole = log.read_bytes()
    # It is still being written.
    log.write_bytes(whole[:-5])
    assert "299 texts asked" in refusal(log, reference=write_lines(tmp_path / "1.jsonl", ["a"]))
    log.write_bytes(whole[:-5] + 5 * b"x")
    assert "log: not a log of predictions, or a damaged one" in refusal(log)
    assert "not a log of predictions" in refusal(write_log(tmp_path / "other", [b"\xff\xff"]))
    assert "there is no such file" in refusal(tmp_path / "none")
