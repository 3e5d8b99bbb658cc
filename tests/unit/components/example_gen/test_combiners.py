"""Packed values and distinct strings, as Beam combines them."""

import random
import struct

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from components.example_gen import combiners
from components.example_gen.combiners import (
    Concatenate,
    DistinctStrings,
    count_distinct,
)


def test_packed_values_are_combined(monkeypatch):
    """One pipeline for all, since it takes seconds to start."""
    monkeypatch.setattr(combiners, "_FLUSH_AT", 50)
    rng = random.Random(1)
    pairs = [(rng.choice("aaaaaab"), rng.randbytes(8)) for _ in range(2000)]
    expected = [(key, sorted((v,) for k, v in pairs if k == key)) for key in "ab"]
    strings = [f"wört {rng.randrange(400)}" for _ in range(1500)]
    elements = []
    for part in (strings[:500], strings[500:]):
        gathered = DistinctStrings("words")
        for start in range(0, len(part), 7):
            elements += gathered.add(part[start : start + 7])
        elements += gathered.flush()
    assert len(elements) > 2 * len({key for key, _ in elements})
    with TestPipeline() as pipeline:
        joined = (
            pipeline
            | beam.Create(pairs)
            | beam.CombinePerKey(Concatenate()).with_hot_key_fanout(4)
            | beam.MapTuple(lambda key, packed: (key, sorted(struct.iter_unpack("8s", packed))))
        )
        nothing = (
            pipeline
            | "Nothing" >> beam.Create([], reshuffle=False)
            | "JoinNothing" >> beam.CombineGlobally(Concatenate())
        )
        counts = (
            pipeline
            | "Elements" >> beam.Create(elements)
            | beam.GroupByKey()
            | beam.Map(count_distinct)
            | "Sum" >> beam.CombinePerKey(sum)
        )
        assert_that(joined, equal_to(expected))
        assert_that(nothing, equal_to([b""]), label="nothing")
        assert_that(counts, equal_to([("words", len(set(strings)))]), label="counts")
