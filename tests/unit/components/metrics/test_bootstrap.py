"""Bootstrap intervals against draws that scikit-learn scores one by one."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, label_ranking_average_precision_score, ndcg_score

from components.metrics import bootstrap
from components.metrics.bootstrap import Scored, resample
from components.metrics.names import HEADLINE

PER_LABEL = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.2])


def make(papers=40, labels=6, density=0.3, unknown=False):
    rng = np.random.default_rng(0)
    truth = (rng.random((papers, labels)) < density).astype(np.float32)
    noise = rng.random((papers, labels)).astype(np.float32)
    outside = rng.integers(0, 3, papers) if unknown else np.zeros(papers, np.int64)
    return truth, (0.4 * truth + 0.6 * noise).astype(np.float32), outside


def intervals(*scored):
    (found,) = resample([Scored(*scored)], samples=5)
    return found.intervals(0.95)


def by_sklearn(truth, scores, thresholds, unknown):
    """The metrics of one set of papers, with unknown labels as columns below all others."""
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


@pytest.mark.parametrize("unknown", [False, True])
def test_intervals_and_differences_equal_draws_scored_by_sklearn(unknown):
    truth, first, outside = make(unknown=unknown)
    second = np.random.default_rng(5).random(truth.shape).astype(np.float32)
    both = [Scored(truth, first, 0.5, outside), Scored(truth, second, PER_LABEL, outside)]
    one, two = resample(both, samples=25, seed=7)
    rng = np.random.default_rng(7)
    draws = [np.arange(40), *(rng.integers(40, size=40) for _ in range(25))]
    (one_value, *one_drawn), (two_value, *two_drawn) = (
        np.array([by_sklearn(*(part[rows] for part in parts)) for rows in draws])
        for parts in (
            (truth, first, np.full((40, 1), 0.5), outside),
            (truth, second, np.tile(PER_LABEL, (40, 1)), outside),
        )
    )
    ahead = np.subtract(one_drawn, two_drawn)
    expected = [
        (one.intervals(0.9), one_value, np.array(one_drawn)),
        (two.intervals(0.9), two_value, np.array(two_drawn)),
        (one.minus(two, 0.9), one_value - two_value, ahead),
    ]
    for found, value, drawn in expected:
        assert list(found) == list(HEADLINE)
        for column, interval in enumerate(found.values()):
            assert interval["value"] == pytest.approx(value[column], abs=1e-12)
            assert interval["low"] == pytest.approx(np.quantile(drawn[:, column], 0.05), abs=1e-12)
            assert interval["high"] == pytest.approx(np.quantile(drawn[:, column], 0.95), abs=1e-12)
            assert interval["low"] < interval["high"]
    for column, difference in enumerate(one.minus(two, 0.9).values()):
        assert difference["share_above"] == pytest.approx((ahead[:, column] > 0).mean(), abs=1e-12)


def test_a_seed_draws_the_same_papers_however_many_are_held_at_once(monkeypatch):
    scored = Scored(*make(unknown=True)[:2], 0.5, make(unknown=True)[2])
    (whole,), (other,) = (resample([scored], samples=30, seed=seed) for seed in (3, 4))
    for held in (7 * 40, 1):
        monkeypatch.setattr(bootstrap, "_WEIGHTS_AT_ONCE", held)
        (found,) = resample([scored], samples=30, seed=3)
        np.testing.assert_allclose(found.drawn, whole.drawn, rtol=0, atol=1e-12)
    assert (other.drawn != whole.drawn).any()
    np.testing.assert_array_equal(other.value, whole.value)


def test_a_model_ties_with_itself_whatever_the_order_of_its_labels():
    truth, scores, outside = make(unknown=True)
    order = np.array([3, 1, 5, 0, 2, 4])
    same = Scored(truth, scores, PER_LABEL, outside)
    shuffled = Scored(truth[:, order], scores[:, order], PER_LABEL[order], outside)
    one, two, again = resample([same, shuffled, same], samples=50)
    for difference in one.minus(two, 0.9).values():
        ends = (difference["value"], difference["low"], difference["high"])
        assert ends == pytest.approx((0, 0, 0), abs=1e-12)
    assert {each["share_above"] for each in one.minus(again, 0.9).values()} == {0.5}


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("density", [0.0, 1.0])
def test_one_paper_with_no_label_or_all_true(labels, density):
    truth = np.full((1, labels), density)
    found = intervals(truth, np.full((1, labels), 0.4), 0.5)
    top = found.pop("precision@1")
    assert all(each["low"] == each["value"] == each["high"] for each in found.values())
    assert found["micro_f1"]["value"] == found["macro_f1"]["value"] == 0
    assert found["lrap"]["value"] == 1
    assert top["value"] == density
    # Wilson's interval by hand, from 1.96 squared: it ends at the value.
    assert density in (top["low"], top["high"])
    assert top["high"] - top["low"] == pytest.approx(3.8415 / 4.8415, abs=1e-4)


def test_labels_that_never_occur_count_in_macro_f1():
    truth = np.array([[1, 0, 0], [1, 0, 0]])
    found = intervals(truth, truth * 0.9, 0.5)
    assert (found["macro_f1"]["value"], found["micro_f1"]["value"]) == (pytest.approx(1 / 3), 1)


def test_bad_input_is_refused():
    truth, scores, _ = make()
    with pytest.raises(ValueError, match="there is no paper"):
        intervals(truth[:0], scores[:0], 0.5)
    with pytest.raises(ValueError, match="shapes"):
        intervals(truth, scores, np.zeros(5))
    with pytest.raises(ValueError, match="NaN"):
        intervals(truth, np.full_like(scores, np.nan), 0.5)
    with pytest.raises(ValueError, match="mismatch"):
        resample([Scored(truth, scores, 0.5), Scored(truth[1:], scores[1:], 0.5)], samples=5)
