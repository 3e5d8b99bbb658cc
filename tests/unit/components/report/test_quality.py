"""The metrics of scored papers, against scikit-learn and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from components.baselines.results import BaselineScores
from components.metrics.bootstrap import Scored
from components.metrics.sums import measure
from components.papers.raw_paper import RawPaper
from components.report import quality
from components.report.settings import ReportSettings
from serving.suggestion import Suggestion, Suggestions, Why
from tests.support.saved_models import feature_example

LABELS = ["a", "b", "c", "d", "e", "f"]
SETTINGS = ReportSettings(bootstrap_samples=40, seed=5)


def scored(seed: int, papers: int = 80, noise: float = 1.0) -> Scored:
    dice = np.random.default_rng(seed)
    truth = np.random.default_rng(99).random((papers, len(LABELS))) < 0.35
    logits = np.where(truth, 1.0, -1.0) + dice.normal(0, noise, truth.shape)
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    unknown = np.random.default_rng(98).integers(0, 2, papers)
    return Scored(truth.astype(np.float32), probabilities, 0.5, unknown)


def paper(title: bytes, abstract: bytes, *labels: str) -> bytes:
    return feature_example(titles=[title], summaries=[abstract], terms=labels)


def silent(_: RawPaper) -> Suggestions:
    """What a model says that can't explain."""
    return Suggestions([Suggestion("a", 0.5, False)])


def test_headline_metrics_are_those_of_the_split_and_inside_their_intervals():
    own = scored(1)
    rows = {row["metric"]: row for row in quality.headline(own, {}, SETTINGS)}
    suggested = own.probabilities >= 0.5
    lrap = oracle.label_ranking_average_precision_score(
        own.y_true[own.unknown == 0], own.probabilities[own.unknown == 0]
    )
    assert set(rows) == {"micro_f1", "macro_f1", "lrap", "ndcg@5", "precision@1"}
    hits = (own.y_true * suggested).sum()
    micro = 2 * hits / (suggested.sum() + own.y_true.sum() + own.unknown.sum())
    assert rows["micro_f1"]["value"] == pytest.approx(micro)
    macro = oracle.f1_score(own.y_true, suggested, average="macro")
    assert rows["macro_f1"]["value"] == pytest.approx(macro)
    # Labels that the model doesn't know cost it.
    assert rows["lrap"]["value"] < lrap
    for row in rows.values():
        assert row["low"] < row["value"] < row["high"]
        assert row["baselines"] == {}


def test_differences_are_the_models_figure_less_the_baselines():
    own, worse = scored(1), scored(2, noise=3.0)
    for row in quality.headline(own, {"worse": worse}, SETTINGS):
        other = row["baselines"]["worse"]
        assert other["difference"]["value"] == pytest.approx(row["value"] - other["value"])
        assert other["difference"]["low"] <= other["difference"]["high"]
    first = quality.headline(own, {"worse": worse}, SETTINGS)[0]["baselines"]["worse"]
    assert first["difference"]["low"] > 0
    assert first["difference"]["share_above"] == 1.0


def test_the_settings_reach_the_draws():
    own = scored(1)
    usual = quality.headline(own, {"other": scored(2)}, SETTINGS)
    for change in ({"seed": 6}, {"level": 0.5}, {"bootstrap_samples": 41}):
        settings = SETTINGS.model_copy(update=change)
        assert quality.headline(own, {"other": scored(2)}, settings) != usual
    narrow = quality.headline(own, {}, SETTINGS.model_copy(update={"level": 0.5}))
    assert narrow[0]["high"] - narrow[0]["low"] < usual[0]["high"] - usual[0]["low"]


def test_a_baseline_is_aligned_with_the_models_labels_and_papers():
    own = scored(1, papers=3)
    scores = np.arange(20, dtype=np.float32).reshape(5, 4) / 20
    baseline = BaselineScores("svc", ["f", "a", "gone", "c"], scores, 0.3, 9, {})
    aligned = quality.align(baseline, LABELS, np.array([0, 2, 4]), own)
    expected = np.zeros((3, 6))
    expected[:, 0], expected[:, 2], expected[:, 5] = scores[::2, 1], scores[::2, 3], scores[::2, 0]
    np.testing.assert_array_equal(aligned.probabilities, expected)
    assert aligned.thresholds == 0.3
    assert aligned.y_true is own.y_true
    assert aligned.unknown is own.unknown


def test_curves_equal_scikit_learn():
    own = scored(1)
    own = Scored(own.y_true, own.probabilities, 0.5, np.zeros(80, np.int64))
    silent = Scored(own.y_true, own.probabilities / 100, 1.0, own.unknown)
    found = quality.curves(own, {"other": scored(2), "none": silent})
    # What suggests nothing has no curve.
    assert [each["name"] for each in found["precision_recall"]] == ["this model", "other"]
    area = oracle.average_precision_score(own.y_true, own.probabilities, average="micro")
    assert found["precision_recall"][0]["area"] == pytest.approx(area)
    f1 = found["f1"]
    for place in (0, 50, 150, 200):
        at = own.probabilities >= np.float32(f1["thresholds"][place])
        assert f1["f1"][place] == pytest.approx(oracle.f1_score(own.y_true, at, average="micro"))
    assert len(f1["thresholds"]) == len(f1["precision"]) == len(f1["recall"])


def test_calibration_counts_every_pair():
    own = scored(1)
    found = quality.calibration(own, 0.95)
    counts = {name: sum(each["count"] for each in bins) for name, bins in found.items()}
    likely = int((own.probabilities > 0.1).sum())
    assert counts == {
        "calibration": own.y_true.size + own.unknown.sum(),
        "calibration_suggested": likely,
    }
    # The bars are what the metric is the mean of.
    gaps = [
        each["count"] * abs(each["mean_probability"] - each["share_true"])
        for each in found["calibration_suggested"]
    ]
    measured = measure(own.y_true, own.probabilities, 0.5, own.unknown)
    assert sum(gaps) / likely == pytest.approx(measured["ece_suggested"])


def test_missed_and_extra_labels_are_counted_and_largest_labels_set_side_by_side():
    truth = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    says = np.array([[0.9, 0.1, 0.1], [0.9, 0.1, 0.9], [0.1, 0.9, 0.9], [0.1, 0.9, 0.1]])
    own = Scored(truth, says, 0.5, np.array([0, 0, 2, 0]))
    assert quality.errors(own) == {
        "all_right": 2,
        "missed": {"total": 4, "papers": [2, 1, 0, 1]},
        "extra": {"total": 3, "papers": [2, 1, 1]},
    }
    # Label c is on no paper. Label b of the second paper is missed, not wrong.
    assert quality.matrix(own, ["a", "b", "c"]) == {
        "labels": ["a", "b"],
        "papers": [3, 2],
        "counts": [[2, 1], [0, 1]],
        "shares": [[pytest.approx(2 / 3), pytest.approx(1 / 3)], [0.0, 0.5]],
    }


def test_a_typical_right_paper_has_the_median_loss_of_its_labels():
    # Label a: five right papers, one with an extra label, one with an unknown one. Label b: one.
    sure = [0.6, 0.9, 0.7, 0.8, 0.95, 0.7, 0.7, 0.8]
    truth = np.array([[1, 0]] * 7 + [[1, 1]], np.float32)
    says = np.array([[each, 0.0] for each in sure], np.float32)
    says[5, 1], says[7, 1] = 0.9, 0.8
    own = Scored(truth, says, 0.5, np.array([0, 0, 0, 0, 0, 0, 1, 0]))
    records = [paper(f"paper {row}".encode(), b"x", "a") for row in range(8)]
    first, second = quality.right_papers(own, ["a", "b"], records, 5)
    # Of losses -log(0.6, 0.8 ** 2, 0.7, 0.8, 0.9, 0.95), it is the third best.
    assert (first["label"], first["title"]) == ("a", "paper 3")
    assert first["loss"] == pytest.approx(-np.log(0.8), abs=1e-5)
    assert first["true"] == [{"label": "a", "probability": pytest.approx(0.8), "suggested": True}]
    assert (second["label"], second["title"]) == ("b", "paper 7")
    assert quality.right_papers(own, ["a", "b"], records, 0) == []


def test_confusions_are_named():
    truth = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    says = np.array([[0.1, 0.9, 0.1], [0.1, 0.9, 0.1], [0.1, 0.8, 0.1]], np.float32)
    found = quality.confusion(Scored(truth, says, 0.5), ["a", "b", "c"])
    assert found == [
        {"missed": "a", "suggested": "b", "count": 2.0, "papers": 2},
        {"missed": "c", "suggested": "b", "count": 1.0, "papers": 1},
    ]


def test_the_largest_errors_come_with_their_labels():
    truth = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], np.float32)
    says = np.array(
        [[0.9, 0.1, 0.1, 0.1], [0.7, 0.05, 0.4, 0.6], [0.2, 0.3, 0.4, 0.45]], np.float32
    )
    records = [
        paper(b"fine", b"x", "a"),
        paper("größe".encode(), b"bad \xff", "a", "b", "new"),
        paper(b"", b"z", "d"),
    ]
    # With its own threshold label c is suggested at 0.4, and d at 0.6 is not.
    own = Scored(truth, says, np.array([0.5, 0.5, 0.35, 0.65], np.float32), np.array([0, 1, 0]))
    asked = []

    def explain(raw: RawPaper) -> Suggestions:
        """Labels a and c are suggested; of those, a is right."""
        asked.append(raw.text)
        reasons = [Why({"word": score}, 0.5, -1.0) for score in (0.7, 0.4, 0.05)]
        scored = zip("acb", (True, True, False), reasons, strict=True)
        return Suggestions(Suggestion(label, 0.5, on, why=why) for label, on, why in scored)

    worst, second = quality.wrong_papers(own, ["a", "b", "c", "d"], records, 2, explain)
    assert asked == ["größe\nbad \\xff", "z"]
    # Only of mistakes: c is not true, and b is.
    assert worst["why"] == [
        {"label": "c", "ngrams": {"word": 0.4}, "rest": 0.5, "bias": -1.0},
        {"label": "b", "ngrams": {"word": 0.05}, "rest": 0.5, "bias": -1.0},
    ]
    assert (worst["title"], worst["abstract"]) == ("größe", "bad \\xff")
    assert [(each["label"], each["suggested"]) for each in worst["true"]] == [
        ("a", True),
        ("b", False),
        ("new", False),
    ]
    assert worst["true"][2]["probability"] is None
    assert worst["true"][0]["probability"] == pytest.approx(0.7)
    # What is suggested comes first, then what is most probable.
    assert [(each["label"], each["suggested"]) for each in worst["wrong"]] == [
        ("c", True),
        ("d", False),
    ]
    assert second["title"] == ""
    assert [each["label"] for each in second["wrong"]] == ["c", "b", "a"]
    assert worst["loss"] > second["loss"]
    # All of it can be written down.
    assert json.loads(json.dumps([worst, second], allow_nan=False)) == [worst, second]


def test_long_abstracts_are_cut_and_no_paper_is_shown_if_none_is_wanted():
    own = Scored(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32), 0.5)
    (found,) = quality.wrong_papers(own, ["a"], [paper(b"t", b"x" * 9_999, "a")], 5, silent)
    assert len(found["abstract"]) == 3_000
    assert found["wrong"] == found["why"] == []
    assert quality.wrong_papers(own, ["a"], [paper(b"t", b"x", "a")], 0, silent) == []
