import bisect
import random
from collections import Counter

import pytest

from components.example_gen.settings import DataSettings
from components.example_gen.split import Bounds, SplitRule, label_set_key, split_of
from tests.support.curation_oracle import naive_split


def split(papers, settings):
    """Splits (title, value) pairs by the rule under test."""
    rule = SplitRule(settings)
    orders = {}
    for title, value in papers:
        bisect.insort(orders.setdefault(value, []), rule.order(title))
    bounds = {value: rule.bounds(label_set_key(value), places) for value, places in orders.items()}
    return {title: split_of(rule.order(title), bounds[value]) for title, value in papers}


def made_up(count, seed):
    """Papers whose label sets have sizes from 2 to a third of all."""
    rng = random.Random(seed)
    papers, size = [], count // 3
    while len(papers) < count:
        value = f"set {len(papers)}"
        papers += [(f"paper {len(papers) + n}", value) for n in range(size)]
        size = max(2, rng.randrange(size) + 1)
    return papers


@pytest.mark.parametrize("seed", [0, 7, 2**80])
@pytest.mark.parametrize("shares", [(0.05, 0.05), (0.2, 0.1), (0.49, 0.49)])
def test_equals_the_rule_spelled_out(seed, shares):
    papers = made_up(3000, seed=1)
    settings = DataSettings(seed=seed, test_share=shares[0], validation_share=shares[1])
    titles, values = zip(*papers, strict=True)
    assert split(papers, settings) == naive_split(titles, values, seed, *shares)


def test_rare_label_sets_reach_test_in_proportion():
    papers = [(f"paper {n}", f"set {n // 3}") for n in range(30_000)]
    counts = Counter(split(papers, DataSettings()).values())
    assert counts["test"] / 30_000 == pytest.approx(0.05, abs=0.005)
    assert counts["val"] / 30_000 == pytest.approx(0.05, abs=0.005)


def test_growth_moves_few_papers():
    papers = made_up(5000, seed=5)
    grown = papers + [(f"new {n}", value) for n, (_, value) in enumerate(papers[::10])]
    before, after = split(papers, DataSettings()), split(grown, DataSettings())
    moved = sum(before[title] != after[title] for title in before)
    assert moved / len(papers) < 0.02


def test_offsets_are_uniform():
    rule = SplitRule(DataSettings())
    offsets = sorted(rule.offset(label_set_key(f"value {n}")) for n in range(2000))
    assert offsets[0] >= 0.0
    assert offsets[-1] < 1.0
    # Kolmogorov-Smirnov at 0.1 %.
    distance = max(abs(offset - n / 2000) for n, offset in enumerate(offsets))
    assert distance < 1.95 / 2000**0.5


def test_bounds_over_the_whole_set():
    settings = DataSettings(test_share=0.49, validation_share=0.49)
    rule = SplitRule(settings)
    values = [f"value {n}" for n in range(50)]
    full = [v for v in values if rule.offset(label_set_key(v)) + 0.98 >= 1.0]
    assert rule.bounds(label_set_key(full[0]), [5])[1] == 2**63


def test_equal_places_stay_together():
    assert [split_of(place, Bounds(5, 9)) for place in (4, 5, 5, 8, 9)] == [
        "test",
        "val",
        "val",
        "val",
        "train",
    ]
