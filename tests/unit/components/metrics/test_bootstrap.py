"""Bootstrap intervals against draws that scikit-learn scores one by one."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, label_ranking_average_precision_score, ndcg_score

from components.metrics import bootstrap
from components.metrics.bootstrap import (
    BOOTSTRAPPED,
    Scored,
    bootstrap_intervals,
    paired_bootstrap,
)


def make(papers=40, labels=6, seed=0, density=0.3, unknown=False):
    rng = np.random.default_rng(seed)
    truth = (rng.random((papers, labels)) < density).astype(np.float32)
    noise = rng.random((papers, labels)).astype(np.float32)
    outside = rng.integers(0, 3, papers) if unknown else np.zeros(papers, np.int64)
    return truth, (0.4 * truth + 0.6 * noise).astype(np.float32), outside


def by_sklearn(truth, scores, thresholds, unknown):
    """The figures of one set of papers, unknown labels as columns that stand below all others."""
    columns = np.arange(int(unknown.max()) + 1)
    more = columns[None, :] < unknown[:, None]
    wide = np.hstack([truth, more]).astype(int)
    wide_scores = np.hstack([scores.astype(float), np.broadcast_to(-1.0 - columns, more.shape)])
    suggested = (scores >= np.asarray(thresholds, np.float32)).astype(int)
    wide_suggested = np.hstack([suggested, np.zeros_like(more, dtype=int)])
    first = np.argmax(scores, axis=1)
    return [
        f1_score(wide, wide_suggested, average="micro", zero_division=0),
        f1_score(truth.astype(int), suggested, average="macro", zero_division=0),
        label_ranking_average_precision_score(wide, wide_scores),
        ndcg_score(wide, wide_scores, k=5),
        truth[np.arange(len(truth)), first].astype(float).mean(),
    ]


def draws(papers, samples, seed):
    rng = np.random.default_rng(seed)
    return [rng.integers(papers, size=papers) for _ in range(samples)]


PER_LABEL = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.2])


@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("thresholds", [0.5, PER_LABEL])
def test_intervals_are_the_percentiles_of_draws_scored_by_sklearn(thresholds, unknown):
    truth, scores, outside = make(unknown=unknown)
    found = bootstrap_intervals(truth, scores, thresholds, outside, samples=25, seed=7, level=0.9)
    scored = np.array(
        [
            by_sklearn(truth[rows], scores[rows], thresholds, outside[rows])
            for rows in draws(40, 25, 7)
        ]
    )
    expected = by_sklearn(truth, scores, thresholds, outside)
    assert list(found) == list(BOOTSTRAPPED)
    for column, name in enumerate(BOOTSTRAPPED):
        interval = found[name]
        assert interval.value == pytest.approx(expected[column], abs=1e-12)
        assert interval.low == pytest.approx(np.quantile(scored[:, column], 0.05), abs=1e-12)
        assert interval.high == pytest.approx(np.quantile(scored[:, column], 0.95), abs=1e-12)
        assert interval.low < interval.value < interval.high


def test_interval_of_a_share_is_that_of_the_normal_approximation():
    rng = np.random.default_rng(1)
    papers, share = 2000, 0.3
    right = rng.random(papers) < share
    truth = np.stack([right, ~right], axis=1)
    scores = np.tile(np.array([0.9, 0.1]), (papers, 1))
    found = bootstrap_intervals(truth, scores, 0.5, samples=2000)["precision@1"]
    half = 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / papers)
    assert found.value == pytest.approx(right.mean())
    assert found.low == pytest.approx(right.mean() - half, abs=0.15 * half)
    assert found.high == pytest.approx(right.mean() + half, abs=0.15 * half)


def test_the_same_seed_draws_the_same_papers_however_many_are_held_at_once(monkeypatch):
    truth, scores, outside = make(unknown=True)
    whole = bootstrap_intervals(truth, scores, 0.5, outside, samples=30, seed=3)
    monkeypatch.setattr(bootstrap, "_CELLS_AT_ONCE", 7 * 40)
    in_parts = bootstrap_intervals(truth, scores, 0.5, outside, samples=30, seed=3)
    monkeypatch.setattr(bootstrap, "_CELLS_AT_ONCE", 1)
    one_by_one = bootstrap_intervals(truth, scores, 0.5, outside, samples=30, seed=3)
    for other in (in_parts, one_by_one):
        for name in BOOTSTRAPPED:
            assert other[name].low == pytest.approx(whole[name].low, abs=1e-12)
            assert other[name].high == pytest.approx(whole[name].high, abs=1e-12)
    other_seed = bootstrap_intervals(truth, scores, 0.5, outside, samples=30, seed=4)
    assert other_seed["lrap"].low != whole["lrap"].low
    assert other_seed["lrap"].value == whole["lrap"].value


def test_a_wider_level_holds_the_narrower_one():
    truth, scores, _ = make()
    narrow = bootstrap_intervals(truth, scores, 0.5, level=0.5)
    wide = bootstrap_intervals(truth, scores, 0.5, level=0.99)
    for name in BOOTSTRAPPED:
        assert wide[name].low < narrow[name].low < narrow[name].high < wide[name].high


@pytest.mark.parametrize("unknown", [False, True])
def test_paired_differences_are_those_of_the_same_draws_scored_by_sklearn(unknown):
    truth, first, outside = make(unknown=unknown)
    second = np.random.default_rng(5).random(truth.shape).astype(np.float32)
    found = paired_bootstrap(
        Scored(truth, first, 0.5, outside),
        Scored(truth, second, PER_LABEL, outside),
        samples=25,
        seed=2,
        level=0.8,
    )
    differences = np.array(
        [
            np.subtract(
                by_sklearn(truth[rows], first[rows], 0.5, outside[rows]),
                by_sklearn(truth[rows], second[rows], PER_LABEL, outside[rows]),
            )
            for rows in draws(40, 25, 2)
        ]
    )
    on_all = np.subtract(
        by_sklearn(truth, first, 0.5, outside), by_sklearn(truth, second, PER_LABEL, outside)
    )
    for column, name in enumerate(BOOTSTRAPPED):
        ahead = differences[:, column]
        assert found[name].value == pytest.approx(on_all[column], abs=1e-12)
        assert found[name].low == pytest.approx(np.quantile(ahead, 0.1), abs=1e-12)
        assert found[name].high == pytest.approx(np.quantile(ahead, 0.9), abs=1e-12)
        assert found[name].share_above == pytest.approx((ahead > 0).mean(), abs=1e-12)


def test_a_model_against_itself_is_a_tie_and_the_order_of_labels_does_not_matter():
    truth, scores, outside = make(unknown=True)
    order = np.array([3, 1, 5, 0, 2, 4])
    found = paired_bootstrap(
        Scored(truth, scores, PER_LABEL, outside),
        Scored(truth[:, order], scores[:, order], PER_LABEL[order], outside),
        samples=50,
    )
    for difference in found.values():
        assert difference.value == pytest.approx(0, abs=1e-12)
        assert (difference.low, difference.high) == (
            pytest.approx(0, abs=1e-12),
            pytest.approx(0, abs=1e-12),
        )
    same = Scored(truth, scores, 0.5, outside)
    assert {each.share_above for each in paired_bootstrap(same, same).values()} == {0.5}


def test_a_perfect_model_is_ahead_of_a_wrong_one_and_not_the_other_way_round():
    truth, _, _ = make(density=0.5)
    perfect = Scored(truth, truth * np.float32(0.8) + np.float32(0.1), 0.5)
    wrong = Scored(truth, np.float32(0.9) - truth * np.float32(0.8), 0.5)
    for difference in paired_bootstrap(perfect, wrong, samples=50).values():
        assert difference.low > 0
        assert difference.share_above == 1
    for difference in paired_bootstrap(wrong, perfect, samples=50).values():
        assert difference.high < 0
        assert difference.share_above == 0


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("density", [0.0, 1.0])
def test_one_paper_one_label_nothing_and_everything_true(labels, density):
    truth = np.full((1, labels), density)
    found = bootstrap_intervals(truth, np.full((1, labels), 0.4), 0.5, samples=5)
    for interval in found.values():
        assert interval.low == interval.value == interval.high
    assert found["micro_f1"].value == found["macro_f1"].value == 0
    assert found["lrap"].value == 1
    assert found["precision@1"].value == density


def test_labels_that_never_occur_count_in_macro_f1():
    truth = np.array([[1, 0, 0], [1, 0, 0]])
    found = bootstrap_intervals(truth, truth * 0.9, 0.5, samples=5)
    assert found["macro_f1"].value == pytest.approx(1 / 3)
    assert found["micro_f1"].value == 1


def test_what_can_not_be_drawn_is_refused():
    truth, scores, _ = make()
    with pytest.raises(ValueError, match="there is no paper"):
        bootstrap_intervals(truth[:0], scores[:0], 0.5)
    with pytest.raises(ValueError, match="samples must be at least 1"):
        bootstrap_intervals(truth, scores, 0.5, samples=0)
    with pytest.raises(ValueError, match="level must lie"):
        bootstrap_intervals(truth, scores, 0.5, level=1.0)
    with pytest.raises(ValueError, match=r"thresholds must be one number or \[6\]"):
        bootstrap_intervals(truth, scores, np.zeros(5))
    with pytest.raises(ValueError, match="NaN"):
        bootstrap_intervals(truth, np.full_like(scores, np.nan), 0.5)
    with pytest.raises(ValueError, match="the same papers, got 40 and 39"):
        paired_bootstrap(Scored(truth, scores, 0.5), Scored(truth[1:], scores[1:], 0.5))
