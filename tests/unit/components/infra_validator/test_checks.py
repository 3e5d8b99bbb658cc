"""Each check names its own fault in answers that are otherwise right, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from components.infra_validator.checks import VALUE_CHECKS, Observed, shapes
from components.infra_validator.faults import ModelFault
from components.infra_validator.requests import CLASSIFY_TEXT

VOCABULARY = ("cs.LG", "cs.CV", "stat.ML", "68T45", "größe")
PAPERS, K, L = 3, 3, 5
THRESHOLD = 0.4
OF_TEXTS = np.array(
    [
        [0.91, 0.12, 0.55, 0.02, 0.31],
        [0.05, 0.82, 0.39, 0.41, 0.20],
        [0.33, 0.21, 0.11, 0.72, 0.64],
    ],
    np.float32,
)
OF_RECORDS = np.array(
    [
        [0.11, 0.22, 0.35, 0.92, 0.61],
        [0.45, 0.32, 0.29, 0.01, 0.70],
        [0.83, 0.51, 0.61, 0.02, 0.14],
    ],
    np.float32,
)
OF_ABSTRACTS = np.array(
    [
        [0.21, 0.12, 0.45, 0.82, 0.51],
        [0.35, 0.42, 0.19, 0.11, 0.60],
        [0.73, 0.61, 0.51, 0.12, 0.04],
    ],
    np.float32,
)
LABELS = "scores belong to their labels"
NAMES = "label names"
ORDER = "scores best first, 0 to 1"
SUGGESTED = "suggested from the threshold on"
TRANSPORTS = "REST equals gRPC"
EXPORTED = "server equals exported model"
CLASSIFY = "classify equals serving_default"

Answers = dict[str, dict[str, np.ndarray]]


def ranked(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best labels and their scores, by plain Python."""
    rows = [
        sorted(zip(row.tolist(), VOCABULARY, strict=True), reverse=True)[:K]
        for row in probabilities
    ]
    labels = np.array([[label for _, label in row] for row in rows], dtype=object)
    return labels, np.array([[score for score, _ in row] for row in rows], np.float32)


def right_answers() -> Answers:
    labels, scores = ranked(OF_TEXTS)
    classes, class_scores = ranked(OF_RECORDS)
    return {
        "serving_default": {
            "labels": labels,
            "scores": scores,
            "suggested": scores >= np.float32(THRESHOLD),
        },
        "probabilities": {"probabilities": OF_TEXTS.copy()},
        "classify": {"classes": classes, "scores": class_scores},
        CLASSIFY_TEXT: {"classes": labels.copy(), "scores": scores.copy()},
        "evaluate": {
            "probabilities": OF_RECORDS.copy(),
            "suggested": (np.float32(THRESHOLD) <= OF_RECORDS).astype(np.float32),
            "abstract_only_probabilities": OF_ABSTRACTS.copy(),
            "abstract_only_suggested": (np.float32(THRESHOLD) <= OF_ABSTRACTS).astype(np.float32),
        },
        "transform_features": {
            "labels": np.eye(PAPERS, L, dtype=np.float32),
            "unknown_labels": np.array([0, 1, 2]),
        },
    }


def observe(
    change: Callable[[Answers], object] = lambda _: None, where: str = "grpc rest exported"
) -> Observed:
    """All answers, changed where they come from: everywhere is a fault of the model itself."""
    answers = {name: copy.deepcopy(right_answers()) for name in ("grpc", "rest", "exported")}
    for name in where.split():
        change(answers[name])
    return Observed(PAPERS, VOCABULARY, np.full(L, THRESHOLD, np.float32), **answers)


def failed(seen: Observed) -> set[str]:
    return {name for name, check in VALUE_CHECKS.items() if list(check(seen))}


def put(question: str, output: str, place: object, value: object) -> Callable[[Answers], None]:
    def change(answers: Answers) -> None:
        answers[question][output][place] = value

    return change


def swap(question: str, output: str, row: int, one: int, other: int) -> Callable[[Answers], None]:
    def change(answers: Answers) -> None:
        values = answers[question][output][row]
        values[[one, other]] = values[[other, one]]

    return change


def reverse(question: str, *outputs: str) -> Callable[[Answers], None]:
    def change(answers: Answers) -> None:
        for output in outputs:
            answers[question][output] = answers[question][output][:, ::-1]

    return change


def test_right_answers_pass_every_check():
    assert list(shapes(observe())) == []
    assert failed(observe()) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("serving_default", "labels", (1, 1), "[UNK]"), {NAMES, LABELS, CLASSIFY}),
        (put("classify", "classes", (0, 0), "cs.lg"), {NAMES, LABELS}),
        (put("serving_default", "labels", (0, 2), "cs.LG"), {NAMES, LABELS}),
        (swap("serving_default", "labels", 0, 0, 1), {LABELS, CLASSIFY}),
        (reverse("serving_default", "labels"), {LABELS, CLASSIFY}),
        (reverse("classify", "classes"), {LABELS}),
        (reverse("serving_default", "labels", "scores", "suggested"), {ORDER, LABELS}),
        (reverse("classify", "classes", "scores"), {ORDER, LABELS}),
        (put("probabilities", "probabilities", (2, 3), 1.01), {ORDER, LABELS}),
        (put("evaluate", "probabilities", (1, 3), -0.01), {ORDER}),
        (put("evaluate", "probabilities", (0, 0), np.nan), {ORDER, TRANSPORTS, EXPORTED}),
        (put("serving_default", "suggested", (0, 1), False), {SUGGESTED}),
        (put("serving_default", "suggested", (1, 2), True), {SUGGESTED}),
        (put("evaluate", "suggested", (0, 0), 1.0), {SUGGESTED}),
        (put("evaluate", "abstract_only_suggested", (0, 4), 0.0), {SUGGESTED}),
        (put("evaluate", "abstract_only_probabilities", (0, 0), 1.5), {ORDER, SUGGESTED}),
        (put(CLASSIFY_TEXT, "scores", (0, 0), 0.92), {LABELS, CLASSIFY}),
    ],
)
def test_a_fault_of_the_model_is_found_by_its_checks(change, expected):
    assert failed(observe(change)) == expected


def test_a_threshold_that_is_not_the_models_is_found():
    assert failed(replace(observe(), thresholds=np.full(L, 0.5, np.float32))) == {SUGGESTED}


OWN = np.array([0.35, 0.2, 0.6, 0.43, 0.65], np.float32)


def of_own_thresholds(answers: Answers) -> None:
    """What a model answers that has a threshold for each label."""
    of = dict(zip(VOCABULARY, OWN, strict=True))
    best = answers["serving_default"]
    best["suggested"] = best["scores"] >= np.vectorize(of.get)(best["labels"])
    answers["evaluate"]["suggested"] = (OF_RECORDS >= OWN).astype(np.float32)
    answers["evaluate"]["abstract_only_suggested"] = (OF_ABSTRACTS >= OWN).astype(np.float32)


def test_each_label_has_its_own_threshold():
    seen = replace(observe(of_own_thresholds), thresholds=OWN)
    assert failed(seen) == set()
    # One for all, or those of other labels, are found.
    assert failed(replace(observe(), thresholds=OWN)) == {SUGGESTED}
    assert failed(replace(seen, thresholds=OWN[::-1].copy())) == {SUGGESTED}
    (first, *_) = VALUE_CHECKS[SUGGESTED](replace(observe(), thresholds=OWN))
    assert first == (
        "serving_default over gRPC, paper 1: suggested is on the wrong side of the threshold "
        "0.6000000 for a label with the score 0.5500000 (3 such labels)"
    )


def test_labels_that_change_places_take_their_thresholds_along():
    def tie(answers: Answers) -> None:
        answers["probabilities"]["probabilities"][0, [2, 4]] = 0.62
        for question in ("serving_default", CLASSIFY_TEXT):
            answers[question]["scores"][0] = [0.91, 0.62, 0.62]
        answers["serving_default"]["suggested"][0] = [True, True, False]

    def tie_otherwise(answers: Answers) -> None:
        tie(answers)
        for question, output in (("serving_default", "labels"), (CLASSIFY_TEXT, "classes")):
            answers[question][output][0] = ["cs.LG", "größe", "stat.ML"]
        answers["serving_default"]["suggested"][0] = [True, False, True]

    def make(change: Callable[[Answers], object]) -> Observed:
        both = observe(lambda answers: (of_own_thresholds(answers), change(answers)))
        return replace(both, thresholds=OWN)

    assert failed(replace(make(tie), rest=make(tie_otherwise).rest)) == set()
    # In the same places they are not the same.
    kept = make(lambda answers: (tie(answers), answers["serving_default"]["suggested"].sort()))
    assert TRANSPORTS in failed(replace(make(tie), rest=kept.rest))


def test_a_score_on_the_threshold_is_suggested():
    def on_the_threshold(answers: Answers) -> None:
        for question, output in (("serving_default", "scores"), (CLASSIFY_TEXT, "scores")):
            answers[question][output][1, 1] = np.float32(THRESHOLD)
        answers["probabilities"]["probabilities"][1, 3] = np.float32(THRESHOLD)

    assert failed(observe(on_the_threshold)) == set()
    # As a double the threshold of float32 is higher: 0.4 < 0.4000000059...
    assert np.float32(THRESHOLD).item() > THRESHOLD
    not_suggested = put("serving_default", "suggested", (1, 1), False)
    both = observe(lambda answers: (on_the_threshold(answers), not_suggested(answers)), "grpc")
    assert SUGGESTED in failed(both)


def test_another_order_of_the_vocabulary_is_found():
    swapped = ("cs.CV", "cs.LG", *VOCABULARY[2:])
    assert failed(replace(observe(), vocabulary=swapped)) == {LABELS}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("probabilities", "probabilities", (0, 4), 0.3101), {TRANSPORTS}),
        (put("serving_default", "scores", (0, 0), 0.9101), {TRANSPORTS}),
        (put("transform_features", "labels", (0, 1), 1.0), {TRANSPORTS}),
        (put("transform_features", "unknown_labels", 0, 1), {TRANSPORTS}),
        (reverse("classify", "classes"), {TRANSPORTS}),
        (put("serving_default", "suggested", (0, 0), False), {TRANSPORTS, SUGGESTED}),
        (lambda answers: answers["evaluate"].pop("suggested"), {TRANSPORTS}),
        # Six digits of JSON are enough.
        (put("probabilities", "probabilities", (0, 4), 0.310004), set()),
    ],
)
def test_rest_that_answers_otherwise_is_found(change, expected):
    seen = observe(change, "rest")
    if "suggested" not in seen.rest["evaluate"]:
        assert any("evaluate over REST has the outputs" in each for each in shapes(seen))
        return
    assert failed(seen) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("probabilities", "probabilities", (0, 1), 0.1201), {EXPORTED}),
        (put("evaluate", "suggested", (2, 1), 0.0), {EXPORTED}),
        (put("evaluate", "abstract_only_probabilities", (2, 1), 0.6101), {EXPORTED}),
        (put("evaluate", "abstract_only_suggested", (2, 1), 0.0), {EXPORTED}),
        (swap("classify", "classes", 0, 0, 2), {EXPORTED}),
        (lambda answers: answers.update(classify={}), {EXPORTED}),
        (put("probabilities", "probabilities", (0, 1), 0.120008), set()),
    ],
)
def test_a_server_that_answers_otherwise_than_the_model_is_found(change, expected):
    assert failed(observe(change, "exported")) == expected


def test_a_model_that_cannot_be_loaded_here_is_found():
    seen = replace(observe(), exported=ModelFault("no variables"))
    assert failed(seen) == {EXPORTED}
    assert list(VALUE_CHECKS[EXPORTED](seen)) == ["no variables"]


def test_labels_with_one_score_may_change_places():
    """At rank 1 and 2 of the first text, and at the rank that is just outside of the second."""

    def tie(answers: Answers) -> None:
        answers["probabilities"]["probabilities"][0, 2] = 0.91
        answers["probabilities"]["probabilities"][1, 4] = 0.39
        for question in ("serving_default", CLASSIFY_TEXT):
            answers[question]["scores"][0] = [0.91, 0.91, 0.31]
        answers["serving_default"]["suggested"][0] = [True, True, False]

    assert failed(observe(tie)) == set()

    def tie_otherwise(answers: Answers) -> None:
        tie(answers)
        for question, output in (("serving_default", "labels"), (CLASSIFY_TEXT, "classes")):
            answers[question][output][0] = ["stat.ML", "cs.LG", "größe"]
            answers[question][output][1, 2] = "größe"

    seen = replace(observe(tie), rest=observe(tie_otherwise).rest)
    assert failed(seen) == set()
    # Without the tie it is a fault.
    assert TRANSPORTS in failed(replace(observe(), rest=observe(tie_otherwise).rest))


def test_a_label_may_be_suggested_on_one_side_of_the_threshold_only_as_close_as_digits_go():
    """JSON may have rounded a score over the threshold."""

    def near(score: float, suggested: bool) -> Callable[[Answers], None]:
        def change(answers: Answers) -> None:
            answers["probabilities"]["probabilities"][1, 3] = score
            for question in ("serving_default", CLASSIFY_TEXT):
                answers[question]["scores"][1, 1] = score
            answers["serving_default"]["suggested"][1, 1] = suggested

        return change

    seen = observe(near(0.4000005, True))
    assert failed(replace(seen, rest=observe(near(0.3999999, True)).rest)) == set()
    assert failed(replace(seen, rest=observe(near(0.3999999, False)).rest)) == set()
    assert SUGGESTED in failed(replace(seen, rest=observe(near(0.3999, True)).rest))


@pytest.mark.parametrize(
    ("change", "where", "told"),
    [
        (lambda a: a["serving_default"].pop("scores"), "grpc", "has the outputs"),
        (lambda a: a["classify"].update(more=np.zeros(3)), "rest", "'more'"),
        (
            lambda a: a["probabilities"].update(probabilities=OF_TEXTS[:, :4]),
            "grpc",
            "probabilities over gRPC: probabilities has the shape [3, 4], not [3, 5]",
        ),
        (
            lambda a: a["probabilities"].update(probabilities=OF_TEXTS[:2]),
            "rest",
            "probabilities over REST: probabilities has the shape [2, 5], not [3, 5]",
        ),
        (
            lambda a: a["classify"].update({k: v[:, :2] for k, v in a["classify"].items()}),
            "grpc rest",
            "classes has the shape [3, 2], not [3, 3]",
        ),
        (
            lambda a: a["serving_default"].update(suggested=np.ones((3, 3), np.float32)),
            "grpc",
            "suggested has the type float32",
        ),
        (
            lambda a: a["serving_default"].update(scores=np.ones((3, 3), int)),
            "rest",
            "scores has the type int64",
        ),
        (
            lambda a: a["serving_default"].update(labels=np.array(["a", "b", "c"], object)),
            "grpc",
            "the best 0 of 5 labels",
        ),
        (
            lambda a: a["transform_features"].update(unknown_labels=np.zeros((3, 1), int)),
            "grpc",
            "unknown_labels has the shape [3, 1], not [3]",
        ),
    ],
)
def test_outputs_of_other_names_types_and_shapes_are_found(change, where, told):
    problems = list(shapes(observe(change, where)))
    assert any(told in problem for problem in problems), problems


def test_more_labels_than_there_are_is_found():
    seen = replace(observe(), vocabulary=VOCABULARY[:2])
    assert any("the best 3 of 2 labels" in problem for problem in shapes(seen))


def test_the_words_name_the_paper_and_what_is_wrong():
    (problem,) = VALUE_CHECKS[LABELS](observe(swap("serving_default", "labels", 1, 0, 2)))
    assert problem == (
        "serving_default, paper 2: stat.ML has the score 0.820000, and 0.390000 at its place in "
        "probabilities"
    )
