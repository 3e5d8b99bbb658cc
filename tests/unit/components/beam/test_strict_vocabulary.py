"""The vocabulary's Beam code under conditions that a cluster makes and one process hides."""

from __future__ import annotations

import collections
import itertools
import math
import random
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions

from components.transform import vocabulary
from components.transform.counting import TABLE, read_batch
from components.transform.ngrams import split_words
from components.transform.vocabulary import KeepMostFrequent, MergeCounts, NgramVocabulary
from tests.support.strictness import (
    CONDITIONS,
    FOUR_WORKERS,
    PLAIN,
    forbid_changes,
    key_coders,
    measure_keys,
    shuffle,
)
from tests.support.transform_graph import make_texts

TEXTS = make_texts(400, seed=7) + [f"rare{number} word" for number in range(300)]
SIZE, LONGEST = 150, 3


@pytest.fixture(scope="module")
def batches():
    """What TensorFlow counts in batches of uneven sizes, one of them without a word."""
    dice = random.Random(1)
    texts = list(TEXTS)
    found = [read_batch(split_words(tf.constant(["", "!"])), LONGEST)]
    while texts:
        size = dice.randint(1, 90)
        found.append(read_batch(split_words(tf.constant(texts[:size])), LONGEST))
        del texts[:size]
    return [tuple(part.numpy() for part in batch) for batch in found]


def analyse(batches, folder, flags=()):
    """The vocabulary file that the analyzer writes, without the hashes."""
    analyzer = NgramVocabulary(SIZE, "keras")
    analyzer.base_temp_dir = str(folder / "temp")
    for batch in batches:
        for part in batch:
            part.flags.writeable = False
    with beam.Pipeline(options=PipelineOptions([*PLAIN, *flags])) as pipeline:
        _ = (
            pipeline
            | beam.Create(batches)
            | analyzer
            | beam.Map(_keep_content, str(folder / "content"))
        )
    lines = (folder / "content").read_bytes().splitlines()
    assert len({line.rpartition(b"\t")[2] for line in lines}) == len(lines)
    return b"".join(line.rpartition(b"\t")[0] + b"\n" for line in lines)


def _keep_content(path, copy):
    Path(copy).write_bytes(Path(path.item().decode()).read_bytes())


@pytest.fixture(scope="module")
def expected():
    """By counting in a dictionary."""
    grams = [
        [
            b" ".join(words[start : start + length])
            for length in range(1, LONGEST + 1)
            for start in range(len(words) - length + 1)
        ]
        for words in split_words(tf.constant(TEXTS)).to_list()
    ]
    counts = collections.Counter(gram for text in grams for gram in text)
    documents = collections.Counter(gram for text in grams for gram in set(text))
    kept = sorted(counts, key=lambda gram: (counts[gram], gram), reverse=True)[:SIZE]
    total = len(TEXTS) + 2
    weights = [np.float32(math.log(1 + total / (1 + documents[gram]))) for gram in kept]
    mean = np.mean(np.array(weights, np.float64)).astype(np.float32)
    lines = zip([b"[UNK]", *kept], [mean, *weights], strict=True)
    return b"".join(b"%s\t%.9g\n" % line for line in lines)


@pytest.mark.parametrize("condition", [None, *CONDITIONS])
def test_a_cluster_changes_nothing(condition, batches, expected, tmp_path):
    flags = CONDITIONS[condition] if condition else []
    assert analyse(batches, tmp_path, flags) == expected


@pytest.mark.parametrize("seed", range(3))
def test_no_order_changes_anything(seed, batches, expected, tmp_path, monkeypatch):
    shuffle(monkeypatch, seed)
    # So small that tables are merged and cut all the time.
    monkeypatch.setattr(vocabulary, "COMPACT_AFTER", seed * 5)
    shuffled = random.Random(seed).sample(batches, len(batches))
    flags = FOUR_WORKERS if seed else []
    assert analyse(shuffled, tmp_path, flags) == expected


def test_no_table_is_changed(batches, expected, tmp_path, monkeypatch):
    steps = [
        (MergeCounts, "add_input"),
        (MergeCounts, "extract_output"),
        (KeepMostFrequent, "add_input"),
        (KeepMostFrequent, "extract_output"),
    ]
    seen = forbid_changes(monkeypatch, steps)
    assert analyse(batches, tmp_path) == expected
    assert set(seen) == {"MergeCounts", "KeepMostFrequent"}


def test_parts_are_even_and_a_table_carries_only_its_own_rows(
    batches, expected, tmp_path, monkeypatch
):
    shuffles = measure_keys(monkeypatch)
    assert analyse(batches, tmp_path) == expected
    (parts,) = (sizes for sizes in shuffles if len(sizes) == vocabulary.SHARDS)
    assert max(parts.values()) < 3 * sum(parts.values()) / len(parts)
    tables = [table for batch in batches for _, table in vocabulary._tables_by_shard(batch)]
    assert len(tables) > vocabulary.SHARDS
    for table in tables:
        assert table.get_total_buffer_size() < 100 + 2 * table.nbytes


def test_keys_have_deterministic_coders(tmp_path):
    pipeline = beam.Pipeline(options=PipelineOptions(PLAIN))
    _ = pipeline | beam.Create([()]) | NgramVocabulary(SIZE, "keras")
    (coder,) = key_coders(pipeline).values()
    assert coder.is_deterministic()


@pytest.mark.parametrize("added", [0, 3, 10**6])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_the_most_frequent_rows_however_they_come(added, size, monkeypatch):
    monkeypatch.setattr(vocabulary, "COMPACT_AFTER", added)
    dice = random.Random(size)
    counts = sorted((dice.randint(1, 20) for _ in range(60)), reverse=True)
    rows = [(number, 0, b"%d" % number, count, 1) for number, count in enumerate(counts)]
    whole = [row for row in rows if row[3] >= counts[size - 1]]
    dice.shuffle(rows)
    table = pa.table([list(column) for column in zip(*rows, strict=True)], schema=TABLE)
    for _ in range(5):
        combiner = KeepMostFrequent(size)
        cuts = [0, *sorted(dice.sample(range(61), 4)), 60]
        parts = [table.slice(start, stop - start) for start, stop in itertools.pairwise(cuts)]
        dice.shuffle(parts)
        left, right = combiner.create_accumulator(), combiner.create_accumulator()
        for part in parts:
            if dice.random() < 0.5:
                left = combiner.add_input(left, part)
            else:
                right = combiner.compact(combiner.add_input(right, part))
        merged = combiner.merge_accumulators([right, left, combiner.create_accumulator()])
        sizes = [part.num_rows for part in merged]
        assert sum(sizes[1:]) <= max(added, sizes[0])
        found = combiner.extract_output(merged)
        assert sorted(zip(*found.to_pydict().values(), strict=True)) == whole
    assert combiner.extract_output(combiner.create_accumulator()).num_rows == 0
