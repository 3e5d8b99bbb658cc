"""Which label sets the sample's papers have."""

from collections import Counter

from pipeline.sample.label_plan import plan_label_sets
from pipeline.sample.seeded_random import SeededRandom


def test_label_sets_planned_to_occur_once_do_so_in_a_large_sample():
    counts = Counter(plan_label_sets(20_000, SeededRandom(0)))
    assert sum(count == 1 for count in counts.values()) == 1_200
    assert sum(counts.values()) == 20_000
