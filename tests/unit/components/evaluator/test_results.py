"""Metrics of slices and labels, read back from an evaluation of a tiny model."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from components.evaluator.paper_slices import PaperSlices
from components.evaluator.results import read_labels, read_slices
from components.evaluator.settings import GateSettings
from tests.support.evaluations import Answers, Evaluation
from tests.support.evaluator_splits import on_grid, scikit_learn_figures, scikit_learn_labels

PAPERS = 60
VOCABULARY = ["cs.LG", "stat.ML", "größe", "hep-th", "cs.CV", "math.OC", "68T45", "q-bio.NC"]


def draw_terms() -> list[list[str]]:
    dice = random.Random(1)
    everything = [*VOCABULARY[:-1], "cs.NEW"]
    return [dice.sample(everything, dice.randint(0, 6)) for _ in range(PAPERS)]


def draw_model() -> Answers:
    rng = np.random.default_rng(2)
    scores = on_grid(rng.random((PAPERS, len(VOCABULARY))))
    # Never suggested, though it is true somewhere.
    scores[:, 3] = 0.125
    return Answers("new_model", VOCABULARY, scores, 0.5, abstract_only=on_grid(scores / 2))


TERMS = draw_terms()
ABSTRACTS = ["word " * (number * 7 % 300) for number in range(PAPERS)]
MODEL = draw_model()
# It has other labels: nothing of it may be read as the candidate's.
OLD = replace(
    MODEL, feature="old", vocabulary=VOCABULARY[:3], probabilities=1 - MODEL.probabilities[:, :3],
    abstract_only=None, trained_on=range(10),
)  # fmt: skip


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return Evaluation(folder, TERMS, GateSettings(), MODEL, OLD, ABSTRACTS)


def test_each_slice_equals_scikit_learn_on_its_papers(evaluation):
    sorter = PaperSlices(VOCABULARY)
    members: dict[tuple[str, str], list[int]] = {}
    for number, (terms, abstract) in enumerate(zip(TERMS, ABSTRACTS, strict=True)):
        for key in sorter.of(terms, abstract).items():
            members.setdefault(key, []).append(number)
    found = read_slices(evaluation.uri)
    assert {(each["name"], each["value"]) for each in found} == set(members)
    assert len(found) == len(members)
    for each in found:
        rows = members[each["name"], each["value"]]
        expected = scikit_learn_figures(MODEL.split(TERMS, rows))
        for name, value in expected.items():
            assert each["figures"][name] == pytest.approx(value, abs=1e-12), (each["value"], name)
        assert "abstract_only/lrap" in each["figures"]


def test_slices_come_in_reading_order(evaluation):
    by_name: dict[str, list[str]] = {}
    for each in read_slices(evaluation.uri):
        by_name.setdefault(each["name"], []).append(each["value"])
    archives = by_name.pop("archive")
    assert by_name == {
        "number_of_labels": ["0", "1", "2", "3", "4", "5 or more"],
        "abstract_words": ["under 100", "100 to 149", "150 to 199", "200 to 249", "250 or more"],
        "rarest_label": ["frequent", "rare"],
    }
    sizes = {
        each["value"]: each["figures"]["examples"]
        for each in read_slices(evaluation.uri)
        if each["name"] == "archive"
    }
    assert archives == sorted(archives, key=lambda value: (-sizes[value], value))
    assert "other" in archives


def test_each_label_equals_scikit_learn(evaluation):
    expected = scikit_learn_labels(MODEL.split(TERMS))
    found = read_labels(evaluation.uri)
    assert [each["label"] for each in found] == VOCABULARY
    for row, each in enumerate(found):
        figures = {name: pytest.approx(values[row], abs=1e-12) for name, values in expected.items()}
        assert each == {"label": VOCABULARY[row], **figures, "threshold": 0.5}
        assert isinstance(each["support"], int)
    assert found[3]["suggested"] == 0
