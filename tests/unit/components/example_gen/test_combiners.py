import random

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from components.example_gen import distinct
from components.example_gen.combiners import Concatenate, CountDistinct, unpack
from components.example_gen.distinct import HASH_BYTES, DistinctStrings, kind_of


def test_concatenate_keeps_every_value_with_hot_keys():
    rng = random.Random(1)
    pairs = [(rng.choice("aaaaaab"), rng.randbytes(8)) for _ in range(5000)]
    expected = [(key, sorted(v for k, v in pairs if k == key)) for key in "ab"]
    with TestPipeline() as pipeline:
        joined = (
            pipeline
            | beam.Create(pairs)
            | beam.CombinePerKey(Concatenate()).with_hot_key_fanout(4)
            | beam.MapTuple(lambda key, packed: (key, sorted(unpack(packed, 8))))
        )
        assert_that(joined, equal_to(expected))


def test_concatenate_of_nothing():
    with TestPipeline() as pipeline:
        joined = pipeline | beam.Create([], reshuffle=False) | beam.CombineGlobally(Concatenate())
        assert_that(joined, equal_to([b""]))


def test_count_distinct_merges():
    combiner = CountDistinct(2)
    one = combiner.add_input(combiner.create_accumulator(), b"aabbaa")
    other = combiner.add_input(combiner.create_accumulator(), b"bbcc")
    assert combiner.extract_output(combiner.merge_accumulators([one, other])) == 3


def test_distinct_strings_over_several_workers(monkeypatch):
    monkeypatch.setattr(distinct, "_FLUSH_AT", 50)
    rng = random.Random(2)
    strings = [f"wört {rng.randrange(800)}" for _ in range(3000)]
    elements = []
    for part in (strings[:1000], strings[1000:]):
        gathered = DistinctStrings("words")
        for start in range(0, len(part), 7):
            elements += gathered.add(part[start : start + 7])
        elements += gathered.flush()
    hashes = {}
    for key, packed in elements:
        assert kind_of(key) == "words"
        hashes.setdefault(key, set()).update(unpack(packed, HASH_BYTES))
    assert sum(map(len, hashes.values())) == len(set(strings))
    assert len(elements) > 2 * len(hashes)
