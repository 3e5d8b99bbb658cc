"""The sample's file: deterministic, well formed, noisy as a crawled file, and learnable."""

from __future__ import annotations

import ast
import gzip
import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

from pipeline.sample.generator import DEFAULT_ROWS, DEFAULT_SEED, generate, write_sample
from pipeline.sample.words import load_words
from schema.errors import BadInputError, UsageError

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory):
    return write_sample(DEFAULT_ROWS, DEFAULT_SEED, tmp_path_factory.mktemp("sample") / "a.csv")


@pytest.fixture(scope="module")
def rows(sample_file):
    return pd.read_csv(sample_file, keep_default_na=False)


@pytest.fixture(scope="module")
def papers(rows):
    return rows[~rows.titles.duplicated()]


# Determinism


def _digest_in_other_process(hash_seed: str, output: Path) -> str:
    code = (
        "import pathlib, sys; from pipeline.sample.generator import write_sample; "
        "write_sample(300, 5, pathlib.Path(sys.argv[1])); "
        "assert not {'tensorflow', 'tfx', 'numpy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(output)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    return hashlib.sha256(output.read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_same_rows_and_seed_give_the_same_bytes_for_any_hash_seed(tmp_path, suffix):
    first, second = (_digest_in_other_process(seed, tmp_path / f"{seed}.{suffix}") for seed in "12")
    assert first == second


def test_another_seed_gives_other_text():
    assert list(generate(50, 1)) == list(generate(50, 1))
    assert not {row.titles for row in generate(50, 1)} & {row.titles for row in generate(50, 2)}


# The file


def test_pandas_reads_the_rows_that_were_generated(rows):
    expected = list(generate(DEFAULT_ROWS, DEFAULT_SEED))
    assert list(rows.columns) == ["titles", "summaries", "terms"]
    assert list(rows.itertuples(index=False, name=None)) == expected


def test_the_compressed_file_holds_the_same(sample_file, tmp_path):
    packed = write_sample(DEFAULT_ROWS, DEFAULT_SEED, tmp_path / "new" / "a.csv.gz")
    assert gzip.decompress(packed.read_bytes()) == sample_file.read_bytes()


def test_no_row_is_malformed(rows):
    assert rows.titles.str.strip().ne("").all()
    assert rows.summaries.str.strip().ne("").all()
    assert not rows.titles.str.contains("\n").any()
    for terms in rows.terms.unique():
        labels = ast.literal_eval(terms)
        assert repr(labels) == terms
        assert 1 <= len(labels) <= 7
        assert len(set(labels)) == len(labels)
        assert set(labels) <= set(load_words().topics_of_label)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9, 17, 100])
def test_any_number_of_rows_works(count):
    rows = list(generate(count, 3))
    assert len(rows) == count
    assert len({row.titles for row in rows}) == count - round(0.2 * count)


# Its noise


def test_a_fifth_of_the_rows_repeat_a_title_and_some_are_revised(rows, papers):
    assert 1 - len(papers) / len(rows) == pytest.approx(0.20, abs=0.005)
    repeats = rows[rows.titles.duplicated()].merge(papers, on="titles", suffixes=("", "_first"))
    revised = repeats.summaries != repeats.summaries_first
    assert 0.02 < revised.mean() < 0.12
    assert (repeats.terms != repeats.terms_first).any()
    assert (repeats.terms == repeats.terms_first)[~revised].all()


def test_six_percent_of_the_papers_have_a_label_set_of_their_own(papers):
    counts = papers.terms.value_counts()
    assert (counts == 1).sum() == round(0.06 * len(papers))
    common = {repr(list(labels)) for labels in load_words().common_sets}
    assert set(counts[counts > 1].index) == common


@pytest.mark.parametrize(
    ("column", "pattern", "low", "high"),
    [
        ("summaries", "\n", 0.35, 0.55),
        ("summaries", '"', 0.05, 0.12),
        ("summaries", r"\$[^$]*\\[a-z]+[^$]*\$", 0.04, 0.15),
        ("summaries", r"\\textbf\{", 0.005, 0.05),
        ("summaries", "[à-ÿ]", 0.03, 0.15),
        ("summaries", "[α-ω]", 0.01, 0.10),  # noqa: RUF001
        ("titles", r"\$", 0.005, 0.05),
        ("titles", '"', 0.003, 0.05),
        ("titles", "[à-ÿ]", 0.005, 0.05),
    ],
)
def test_each_kind_of_noise_is_there(papers, column, pattern, low, high):
    assert low < papers[column].str.contains(pattern).mean() < high


def test_lengths_vary_as_those_of_abstracts_do(papers):
    words = papers.summaries.str.split().str.len()
    assert 140 <= words.median() <= 165
    assert words.quantile(0.05) < 100
    assert words.quantile(0.95) > 210


def test_labels_follow_zipfs_law(papers):
    labels = papers.terms.map(ast.literal_eval)
    counts = [count for _, count in Counter(labels.explode()).most_common()]
    assert 25 <= len(counts) <= 40
    assert labels.str.len().mean() == pytest.approx(1.9, abs=0.1)
    assert labels.str.len().max() >= 5
    assert 0.3 < counts[0] / len(papers) < 0.5
    # On logarithmic axes the head of the counts falls along a line of slope about -1.
    slope = np.polyfit(np.log(np.arange(1, 21)), np.log(counts[:20]), 1)[0]
    assert -1.4 < slope < -0.7


def test_a_linear_model_learns_it_but_not_fully(papers):
    kept = papers[papers.groupby("terms").terms.transform("size") > 1]
    binarizer = MultiLabelBinarizer()
    labels = binarizer.fit_transform(kept.terms.map(ast.literal_eval))
    text, test_text, truth, test_truth = train_test_split(
        kept.summaries, labels, test_size=0.2, random_state=0
    )
    tfidf = TfidfVectorizer(ngram_range=(1, 2))
    model = OneVsRestClassifier(LinearSVC()).fit(tfidf.fit_transform(text), truth)
    predicted = model.predict(tfidf.transform(test_text))
    assert 0.65 < f1_score(test_truth, predicted, average="micro") < 0.85
    # Every label with 30 papers or more, but for cs.AI, which mixes the words of others.
    by_label = f1_score(test_truth, predicted, average=None, zero_division=0)
    often = {
        label: f1
        for label, f1, papers in zip(binarizer.classes_, by_label, truth.sum(axis=0), strict=True)
        if papers >= 30
    }
    assert len(often) >= 20
    assert {label for label, f1 in often.items() if f1 < 0.2} == {"cs.AI"}


# Writing


def test_an_unchanged_sample_is_not_rewritten(tmp_path):
    for name in ("a.csv", "a.csv.gz"):
        path = write_sample(40, 1, tmp_path / name)
        os.utime(path, ns=(1_000, 1_000))
        before = path.stat()
        write_sample(40, 1, path)
        after = path.stat()
        assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "a.csv.gz"}


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-20], lambda _: b"", lambda data: data + b"more\n"]
)
def test_a_file_with_other_contents_is_replaced(tmp_path, damage):
    path = write_sample(40, 1, tmp_path / "a.csv.gz")
    sound = path.read_bytes()
    path.write_bytes(damage(sound))
    write_sample(40, 1, path)
    assert path.read_bytes() == sound


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_sample(40, 1, tmp_path / "a.csv")
    old = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("csv.writer", full)
    with pytest.raises(BadInputError, match="No space left on device"):
        write_sample(40, 2, path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
def test_a_wrong_name_is_a_usage_error(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.csv or \.csv\.gz"):
        write_sample(10, 0, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
