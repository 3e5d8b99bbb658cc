"""`arxiv-tagger drift` on the model of a real run."""

from __future__ import annotations

import csv
import json

import pytest

from pipeline.sample.generator import write_sample
from tests.support.command_line import flat, invoke


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Papers of the sample's kind that the model has not seen."""
    path = write_sample(600, 11, tmp_path_factory.mktemp("asked") / "sample.csv")
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["summaries"].strip()]
    return [f"{row['titles']}\n{row['summaries']}" for row in rows]


def drift(first_run, tmp_path, texts, *options):
    path = tmp_path / "asked.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return invoke("drift", "--model", first_run.output, "--requests", path, *options)


def test_other_words_are_told_from_the_same_kind_of_papers(first_run, sample, texts, tmp_path):
    same = drift(first_run, tmp_path, texts, "--reference", sample)
    assert same.exit_code == 0, same.output
    other = [" ".join(word[::-1] for word in text.split(" ")) for text in texts]
    drifted = drift(first_run, tmp_path, other, "--reference", sample)
    assert drifted.exit_code == 4
    assert "known share" in flat(drifted.output).partition("Drifted: ")[2]


def test_it_finds_the_papers_that_the_run_held_out(first_run, texts, tmp_path):
    counts = json.loads((first_run.output / "curation.json").read_text())
    done = drift(first_run, tmp_path, texts)
    assert done.exit_code == 3
    held_out = counts["val"] + counts["test"]
    assert f"{len(texts)} texts in the requests, {held_out} in the" in flat(done.output)
