"""On which papers, and with which labels, the gate compares a model with the last one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.evaluator.gate import read_gate
from tests.support.evaluations import Answers, Evaluation
from tests.support.evaluator_splits import scikit_learn_figures
from tests.support.gate_cases import GATED, NEW_LABELS, PAPERS, TERMS, near, nothing_may_fall, row


def certain(feature: str, vocabulary: list[str], right: list[bool], **more) -> Answers:
    """A model that is sure of a paper's labels where it is right, and of the others elsewhere."""
    truth = np.array([[label in terms for label in vocabulary] for terms in TERMS])
    sure = truth == np.array(right)[:, None]
    scores = np.where(sure, 0.875, 0.125).astype(np.float32)
    return Answers(feature, vocabulary, scores, 0.5, **more)


def grown_file() -> tuple[Answers, Answers]:
    """The last model knows half of the test papers by heart, and not the candidate's new label.

    On all of them it is the better one; on those that are new to both it isn't.
    """
    half = PAPERS // 2
    by_heart = [number < half for number in range(PAPERS)]
    labels = [*NEW_LABELS, "new.ONE"]
    candidate = certain("new_model", labels, [n >= half and n % 3 == 0 for n in range(PAPERS)])
    candidate = replace(candidate, abstract_only=candidate.probabilities)
    # The last one is not a test paper.
    last = certain("old_model", NEW_LABELS, by_heart, trained_on=[*range(half), PAPERS])
    for name in GATED:
        everywhere = [scikit_learn_figures(each.split(TERMS))[name] for each in (candidate, last)]
        assert everywhere[0] < everywhere[1], name
    return candidate, last


@pytest.mark.parametrize("titled", [True, False])
def test_papers_that_the_last_model_was_trained_on_are_left_out(tmp_path, titled):
    candidate, last = grown_file()
    half = PAPERS // 2
    passed = Evaluation(tmp_path, TERMS, nothing_may_fall(), candidate, last, titled=titled)
    assert passed.blessed
    new = range(half, PAPERS)
    expected = [scikit_learn_figures(each.split(TERMS, new)) for each in (candidate, last)]
    assert read_gate(passed.uri)[1:] == [
        row("compared_examples", half, None, 1.0, False, True, half, half),
        *(
            row(name, expected[0][name], expected[1][name], 0.0, True, True, half, half)
            for name in sorted(GATED)
        ),
    ]


def test_without_kept_keys_no_paper_is_left_out(tmp_path):
    candidate, last = grown_file()
    last = replace(last, trained_on=None)
    refused = Evaluation(tmp_path, TERMS, nothing_may_fall(), candidate, last)
    assert not refused.blessed
    assert {each.left_out for each in read_gate(refused.uri)} == {0}


def test_a_vanished_label_counts_as_missed(tmp_path):
    """The candidate answers as the last model does, but no longer knows one of its labels."""
    last = certain("old_model", NEW_LABELS, [True] * PAPERS, trained_on=[])
    fewer = NEW_LABELS[1:]
    candidate = Answers(
        "new_model", fewer, last.probabilities[:, 1:], 0.5, last.probabilities[:, 1:]
    )
    lost = sum("cs.LG" in terms for terms in TERMS)
    assert lost
    evaluation = Evaluation(tmp_path, TERMS, nothing_may_fall(), candidate, last)
    assert not evaluation.blessed
    failed = {each.metric for each in read_gate(evaluation.uri) if not each.passed}
    assert {"micro_f1", "lrap"} <= failed
    old = scikit_learn_figures(last.split(TERMS))
    new = scikit_learn_figures(candidate.split(TERMS))
    for each in read_gate(evaluation.uri):
        if each.is_change:
            assert (each.candidate, each.baseline) == (
                near(new[each.metric]),
                near(old[each.metric]),
            )
