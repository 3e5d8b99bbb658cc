"""`arxiv-tagger drift` on a small model, whose scores depend on the letters of a text."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from pipeline.sample.generator import generate
from tests.support.command_line import flat, invoke
from tests.support.saved_models import small_tagger

PAPERS = [row for row in generate(1300, 3) if row.summaries.strip() and row.titles.strip()]
KNOWN, ASKED = ([f"{row[0]}\n{row[1]}" for row in part] for part in (PAPERS[:600], PAPERS[600:]))
LIMITS = dict.fromkeys(("text_length", "known_share", "best_score"), 0.05)
LIMITS |= dict.fromkeys(("suggestions", "label"), 0.15)


@pytest.fixture(scope="module")
def drift(tmp_path_factory):
    """Runs the command on two files: its result, and the metrics that it writes, by feature."""
    folder = tmp_path_factory.mktemp("serving")
    small_tagger(folder / "1700000000", threshold=0.8)

    def run(known, asked):
        textfile = folder / "drift.prom"
        files = ("--reference", known, "--requests", asked, "--textfile", textfile)
        done = invoke("drift", "--model", folder, *files)
        written = {}
        for line in textfile.read_text().splitlines() if textfile.exists() else ():
            name, _, value = line.rpartition(" ")
            written[name.removeprefix("arxiv_tagger_drift_")] = value
        return done, written

    return run


def write_texts(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def prediction(text, label=None, known_share=None, signature=""):
    """A logged request; without a label its answer is missing."""
    log = PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    log.predict_log.request.inputs["text"].CopyFrom(tf.make_tensor_proto([text]))
    if label is not None:
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


def test_the_same_kind_of_texts_is_told_from_titles_alone(drift, tmp_path):
    known = write_texts(tmp_path / "known.jsonl", KNOWN)
    same, written = drift(known, write_texts(tmp_path / "asked.jsonl", ASKED))
    assert same.exit_code == 0, same.output
    for feature, limit in LIMITS.items():
        assert float(written[f'distance{{feature="{feature}"}}']) < limit
        assert float(written[f'limit{{feature="{feature}"}}']) == limit
    # The log of the same texts, without answers.
    asked = write_log(tmp_path / "log", map(prediction, ASKED))
    assert drift(known, asked)[0].output == same.output
    titles = [text.partition("\n")[0] for text in ASKED]
    done, written = drift(known, write_texts(tmp_path / "titles.jsonl", titles))
    assert done.exit_code == 4
    assert "text length" in flat(done.output).partition("Drifted: ")[2]
    # No title is as long as a whole text.
    assert float(written['distance{feature="text_length"}']) == 1


@pytest.mark.parametrize("packing", ["", "GZIP", "ZLIB"])
def test_a_log_is_taken_at_its_word(drift, tmp_path, packing):
    usual, odd = np.linspace(0.8, 1, 400), np.linspace(0, 0.2, 400)
    labels = ("cs.LG", "stat.ML")
    before = [prediction("a b", labels[i % 4 == 0], usual[i]) for i in range(400)]
    now = [prediction("a b", labels[i % 2 == 0], odd[i]) for i in range(400)]
    # Neither another signature nor another method counts.
    now += [prediction("a", "cs.CV", 1, "probabilities"), PredictionLog().SerializeToString()]
    files = write_log(tmp_path / "known", before), write_log(tmp_path / "asked", now, packing)
    done, written = drift(*files)
    assert done.exit_code == 4
    assert "Texts: 400 reference, 400 requests; version 1700000000." in done.output
    assert "cs.LG: 75.0% cs.LG: 50.0% 0.250" in flat(done.output)
    assert written['distance{feature="label"}'] == "0.25"
    assert written['distance{feature="known_share"}'] == "1.0"
    assert written['distance{feature="suggestions"}'] == "0.0"


def test_unusable_requests_say_why(drift, tmp_path):
    known = write_texts(tmp_path / "known.jsonl", KNOWN)

    def refusal(path, known=known):
        done, _ = drift(known, path)
        assert done.exit_code == 3
        return flat(done.output)

    few = write_texts(tmp_path / "7.jsonl", 7 * ["a"])
    assert "7 texts in the requests, 600 in the reference: fewer than 200" in refusal(few)
    few.write_text('{"text": "cut of\n' + few.read_text())
    assert f"Rows left out: 1, first {few}, line 1: " in refusal(few)
    log = write_log(tmp_path / "log", 300 * [prediction("a", "a", 0)])
    whole = log.read_bytes()
    # It is still being written.
    log.write_bytes(whole[:-5])
    assert "299 texts in the requests" in refusal(log, few)
    log.write_bytes(whole[:-5] + 5 * b"x")
    assert "log: not a log of predictions, or a damaged one" in refusal(log)
    assert "not a log of predictions" in refusal(write_log(tmp_path / "other", [b"\xff\xff"]))
    assert "there is no such file" in refusal(tmp_path / "none")
    other = tmp_path / "other.csv"
    other.write_text("body\nA text.\n")
    assert "no column 'text'; the file has 'body'. Rename the column that" in refusal(other)


def test_files_are_read_before_the_model_is_loaded(tmp_path):
    small_tagger(tmp_path / "1")
    shutil.rmtree(tmp_path / "1" / "variables")
    file = write_texts(tmp_path / "7.jsonl", 7 * ["a"])
    done = invoke("drift", "--model", tmp_path, "--reference", file, "--requests", file)
    assert "7 texts in the requests" in flat(done.output)
