"""What each baseline scores, and how its threshold comes about."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from components.baselines.papers import encode_labels
from components.baselines.scoring import score_baselines
from components.baselines.settings import BaselineSettings
from components.labels.thresholds import tune_threshold
from components.metrics.sums import measure
from components.papers.raw_paper import RawPaper
from schema.errors import BadInputError
from tests.support.baseline_papers import LABELS, made_papers

TRAIN, VALIDATION = made_papers(200, 0), made_papers(60, 1)
# Training lacks a label of these.
TEST = [replace(paper, labels=(*paper.labels, "cs.NEW")) for paper in made_papers(50, 2)]


def score(**settings):
    results = score_baselines(iter(TRAIN), VALIDATION, TEST, BaselineSettings(**settings))
    return {each.name: each for each in results}


@pytest.fixture(scope="module")
def baselines():
    return score()


def test_all_are_scored_on_every_test_paper(baselines):
    assert list(baselines) == ["none", "frequent", "linear_svc"]
    truth, unknown = encode_labels(TEST, LABELS)
    assert unknown.tolist() == [1] * 50
    for each in baselines.values():
        assert each.labels == list(LABELS)
        assert each.scores.shape == (50, 5)
        assert each.scores.dtype == np.float32
        assert ((each.scores >= 0) & (each.scores <= 1)).all()
        assert each.figures == measure(truth, each.scores, each.threshold, unknown)
        assert each.trained_on == 200


def test_none_suggests_nothing_and_knows_no_order():
    papers = made_papers(3000, 3)
    (none,) = score_baselines(TRAIN, VALIDATION, papers, BaselineSettings(enabled=("none",)))
    assert not (none.scores >= none.threshold).any()
    assert none.figures["micro_f1"] == none.figures["macro_f1"] == 0
    truth, _ = encode_labels(papers, LABELS)
    assert none.figures["precision@1"] == pytest.approx(truth.mean(), abs=0.04)


def test_frequent_suggests_the_k_labels_that_validation_likes_best(baselines):
    truth, _ = encode_labels(VALIDATION, LABELS)
    by_k = []
    for k in range(1, 6):
        suggested = np.zeros_like(truth, dtype=int)
        suggested[:, :k] = 1
        by_k.append(f1_score(truth.astype(int), suggested, average="micro"))
    frequent = baselines["frequent"]
    assert (frequent.scores >= frequent.threshold).sum(axis=1).tolist() == (
        [int(np.argmax(by_k)) + 1] * 50
    )
    shares = [sum(label in paper.labels for paper in TRAIN) / 200 for label in LABELS]
    np.testing.assert_allclose(frequent.scores, np.tile(shares, (50, 1)), rtol=1e-6)


def test_linear_svc_is_sklearns_tuned_on_validation(baselines):
    svc = baselines["linear_svc"]
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=153_000)
    matrix = vectorizer.fit_transform([paper.text for paper in TRAIN])
    model = OneVsRestClassifier(LinearSVC(C=0.5, random_state=0))
    model.fit(matrix, encode_labels(TRAIN, LABELS)[0].astype(int))

    def decide(papers):
        return model.decision_function(vectorizer.transform([paper.text for paper in papers]))

    np.testing.assert_allclose(svc.scores, expit(decide(TEST)), rtol=1e-6)
    truth, unknown = encode_labels(VALIDATION, LABELS)
    assert svc.threshold == tune_threshold(truth, expit(decide(VALIDATION)), unknown)
    assert svc.figures["micro_f1"] > baselines["frequent"].figures["micro_f1"]


def test_test_papers_never_reach_the_threshold(baselines):
    others = [RawPaper("", paper.text, ("cs.CV",)) for paper in TEST[:20]]
    for each in score_baselines(TRAIN, VALIDATION, others, BaselineSettings()):
        assert each.threshold == baselines[each.name].threshold
        if each.name == "linear_svc":
            np.testing.assert_array_equal(each.scores, baselines[each.name].scores[:20])


def test_of_many_papers_the_machine_gets_a_sample_and_the_counts_get_all(baselines):
    few = score(max_examples=60)
    assert few["linear_svc"].trained_on == 60
    assert few["linear_svc"].labels == list(LABELS)
    assert not np.array_equal(few["linear_svc"].scores, baselines["linear_svc"].scores)
    np.testing.assert_array_equal(few["frequent"].scores, baselines["frequent"].scores)
    assert few["frequent"].trained_on == 200


def test_a_label_that_the_sample_lacks_is_never_suggested():
    train = [*TRAIN[:100], RawPaper("", "rare words", ("rare",))]
    settings = BaselineSettings(enabled=("linear_svc",), max_examples=20)
    (svc,) = score_baselines(train, VALIDATION, TEST, settings)
    assert svc.labels[-1] == "rare"
    assert not svc.scores[:, -1].any()
    assert svc.threshold > 0


def test_only_what_is_enabled_is_computed_in_that_order():
    assert list(score(enabled=("frequent", "none"))) == ["frequent", "none"]
    assert score(enabled=()) == {}
    wordless = [RawPaper("", "?", ("a",))]
    assert len(score_baselines(wordless, wordless, wordless, BaselineSettings(enabled=("none",))))
    with pytest.raises(BadInputError, match="Remove linear_svc"):
        score_baselines(wordless, wordless, wordless, BaselineSettings())
