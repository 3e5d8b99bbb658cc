"""Average precision from histograms against scikit-learn's from the scores themselves."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from components.metrics.score_histogram import average_precision, count_scores


def draw(examples=80, labels=9, density=0.2, seed=0, spread=3.0):
    """Truth, and probabilities like a trained model's: most near 0, some near 1."""
    rng = np.random.default_rng(seed)
    truth = rng.random((examples, labels)) < density
    logits = rng.normal(-3.0, spread, truth.shape) + 4.0 * truth
    return truth.astype(np.float32), (1 / (1 + np.exp(-logits))).astype(np.float32)


def on_grid(probabilities):
    """Rounds to probabilities that never share a bin: 7 bits of fraction below 0.5."""
    return (np.round(probabilities * 256) / 256).astype(np.float32)


def micro(truth, probabilities, unknown=0):
    histogram = count_scores(truth, probabilities, per_label=False)
    return average_precision(histogram, np.array([int(truth.sum()) + unknown]))[0]


def of_labels(truth, probabilities):
    histogram = count_scores(truth, probabilities, per_label=True)
    return average_precision(histogram, truth.sum(axis=0).astype(np.int64))


def sklearn_of_labels(truth, probabilities):
    return [
        average_precision_score(column, scores) if column.any() else 0.0
        for column, scores in zip(truth.T, probabilities.T, strict=True)
    ]


@pytest.mark.parametrize("density", [0.01, 0.2, 0.9, 1.1])
@pytest.mark.parametrize("seed", range(3))
def test_on_the_grid_it_equals_sklearn(density, seed):
    truth, probabilities = draw(density=density, seed=seed)
    probabilities = on_grid(probabilities)
    expected = average_precision_score(truth.ravel(), probabilities.ravel())
    assert micro(truth, probabilities) == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(
        of_labels(truth, probabilities), sklearn_of_labels(truth, probabilities), atol=1e-12
    )


@pytest.mark.parametrize("spread", [1.0, 2.0, 4.0])
def test_off_the_grid_it_is_close(spread):
    truth, probabilities = draw(2_000, 40, density=0.05, spread=spread)
    exact = average_precision_score(truth.ravel(), probabilities.ravel())
    assert micro(truth, probabilities) == pytest.approx(exact, abs=5e-4)
    expected = sklearn_of_labels(truth, probabilities)
    np.testing.assert_allclose(of_labels(truth, probabilities), expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("near", [0.0, 1.0])
@pytest.mark.parametrize(("per_label", "parts"), [(False, 2_048), (True, 128)])
def test_bins_are_as_narrow_as_documented_at_both_ends(near, per_label, parts):
    """Of two probabilities that differ by more than a bin, the higher always counts first."""
    distances = 2.0 ** -np.linspace(1.5, 21, 500)
    further = distances * (1 + 1.001 / parts)
    pair = np.stack([distances, further], axis=1)
    probabilities = (1.0 - pair if near else pair).astype(np.float32)
    better = probabilities.argmax(axis=1)
    truth = np.eye(2)[better]
    for row in range(len(pair)):
        one, scores = truth[[row]].T, probabilities[[row]].T
        histogram = count_scores(one, scores, per_label=per_label)
        # Rounding to float32 may close the gap beside 1.
        if near and pair[row, 1] - pair[row, 0] < 2.0**-22:
            continue
        assert average_precision(histogram, np.array([1]))[0] == 1.0, pair[row]


def test_a_higher_probability_never_has_a_lower_bin():
    special = [0.0, 1.0, 0.5, 2.0**-24, 2.0**-25, 1e-38]
    neighbours = [np.nextafter(np.float32(p), np.float32(q)) for p in special for q in (0, 1)]
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.random(5_000), 2.0 ** -rng.uniform(0, 40, 5_000), special])
    scores = np.sort(np.concatenate([scores, neighbours]).astype(np.float32))
    for per_label in (False, True):
        keys = [
            count_scores(np.zeros((1, 1)), score.reshape(1, 1), per_label=per_label).keys[0]
            for score in scores[::7]
        ]
        assert (np.diff(keys) >= 0).all()
    whole = count_scores(np.zeros((len(scores), 1)), scores[:, None], per_label=True)
    assert whole.pairs.sum() == len(scores)
    assert whole.keys.min() == 0
    assert whole.keys.max() == whole.bins - 1


def test_0_and_1_have_bins_too():
    truth = np.array([[1.0, 0.0, 0.0, 1.0]])
    scores = np.array([[1.0, 0.0, -0.0, 2.0**-23]], np.float32)
    assert micro(truth, scores) == 1.0
    assert micro(1 - truth, scores) == pytest.approx(0.5)


@pytest.mark.parametrize("per_label", [False, True])
def test_parts_add_up_in_any_order(per_label):
    truth, probabilities = draw(200, 7)
    order = np.random.default_rng(1).permutation(200)
    parts = [
        count_scores(truth[rows], probabilities[rows], per_label=per_label)
        for rows in np.split(order, [0, 3, 90, 91, 160])
    ]
    whole = count_scores(truth, probabilities, per_label=per_label)
    for merged in (reduce(add, parts), reduce(add, parts[2:]) + (parts[1] + parts[0])):
        for name in ("keys", "pairs", "hits"):
            np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))
        assert merged.bins == whole.bins


def test_memory_is_bounded_however_many_examples_there_are():
    rng = np.random.default_rng(2)
    total = count_scores(np.zeros((0, 2)), np.zeros((0, 2)), per_label=True)
    for _ in range(40):
        scores = rng.random((5_000, 2), np.float32)
        total += count_scores(scores > 0.9, scores, per_label=True)
    assert total.pairs.sum() == 400_000
    assert len(total.keys) < 2 * 5_890


def test_without_a_true_label_it_is_zero():
    _, probabilities = draw()
    assert micro(np.zeros_like(probabilities), probabilities) == 0.0
    assert micro(np.zeros((0, 3)), np.zeros((0, 3))) == 0.0
    truth = np.zeros_like(probabilities)
    truth[:, 1] = 1
    assert of_labels(truth, probabilities).tolist() == [0.0, 1.0, *[0.0] * 7]


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.0001])
def test_values_outside_0_and_1_are_refused(wrong):
    with pytest.raises(ValueError, match=r"NaN|below 0 or above 1"):
        count_scores(np.zeros((1, 2)), np.array([[0.1, wrong]]), per_label=False)
