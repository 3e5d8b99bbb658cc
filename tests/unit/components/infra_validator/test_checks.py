"""Each check reports its own fault in answers that are otherwise right, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from components.infra_validator.checks import VALUE_CHECKS, CollectedResponses, check_shapes
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
OF_RECORDS = np.roll(OF_TEXTS, 2, axis=1)
OF_ABSTRACTS = np.roll(OF_TEXTS, 1, axis=1)
RANGE = "probabilities in 0 to 1"
LABELS = "scores belong to their labels"
SUGGESTED = "labels suggested from the threshold up"
EXPORTED = "server equals exported model"

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
    known_share = np.array([0.9, 0.5, 0.1], np.float32)
    suggestions = {
        "labels": labels,
        "scores": scores,
        "suggested": scores >= THRESHOLD,
        "known_share": known_share,
    }
    classes, class_scores = ranked(OF_RECORDS)
    return {
        "serving_default": suggestions,
        "explain": {
            **copy.deepcopy(suggestions),
            **dict.fromkeys(("logits", "rest", "bias"), np.zeros((PAPERS, K), np.float32)),
            "ngrams": np.full((PAPERS, K, 2), "deep nets", object),
            "contributions": np.zeros((PAPERS, K, 2), np.float32),
        },
        "probabilities": {"probabilities": OF_TEXTS.copy()},
        "classify": {"classes": classes, "scores": class_scores},
        CLASSIFY_TEXT: {"classes": labels.copy(), "scores": scores.copy()},
        "evaluate": {
            "probabilities": OF_RECORDS.copy(),
            "suggested": (OF_RECORDS >= THRESHOLD).astype(np.float32),
            "known_share": known_share.copy(),
            "abstract_only_probabilities": OF_ABSTRACTS.copy(),
            "abstract_only_suggested": (OF_ABSTRACTS >= THRESHOLD).astype(np.float32),
            "abstract_only_known_share": known_share.copy(),
        },
        "transform_features": {
            "labels": np.eye(PAPERS, L, dtype=np.float32),
            "unknown_labels": np.array([0, 1, 2]),
        },
    }


def observe(
    change: Callable[[Answers], object] = lambda _: None, where: str = "gRPC REST exported"
) -> CollectedResponses:
    """All answers, changed where they come from: everywhere is a fault of the model itself."""
    answers = {name: copy.deepcopy(right_answers()) for name in ("gRPC", "REST", "exported")}
    for name in where.split():
        change(answers[name])
    exported = answers.pop("exported")
    return CollectedResponses(PAPERS, VOCABULARY, THRESHOLD, answers, exported)


def failed(seen: CollectedResponses) -> set[str]:
    return {name for name, check in VALUE_CHECKS.items() if list(check(seen))}


def put(question: str, output: str, place: object, value: object) -> Callable[[Answers], None]:
    def change(answers: Answers) -> None:
        answers[question][output][place] = value

    return change


def reverse(question: str, *outputs: str) -> Callable[[Answers], None]:
    def change(answers: Answers) -> None:
        for output in outputs:
            answers[question][output] = answers[question][output][:, ::-1]

    return change


def test_right_answers_pass_every_check():
    assert list(check_shapes(observe())) == []
    assert failed(observe()) == set()


def test_what_a_model_says_it_lacks_is_not_missed():
    """Its network is not ours, so it can't explain, nor say which words it knows."""

    def leave_out(answers: Answers) -> None:
        del answers["explain"]
        for outputs in answers.values():
            for name in [each for each in outputs if each.endswith("known_share")]:
                del outputs[name]

    seen = replace(observe(leave_out), lacks=["explain", "known_share"])
    assert list(check_shapes(seen)) == []
    assert failed(seen) == set()
    # Unless it has them all the same.
    assert len(list(check_shapes(replace(observe(), lacks=["known_share"])))) == 6


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("serving_default", "labels", (1, 1), "[UNK]"), {LABELS}),
        (put("classify", "classes", (0, 0), "cs.lg"), {LABELS}),
        (put("serving_default", "labels", (0, 2), "cs.LG"), {LABELS}),
        (reverse("serving_default", "labels"), {LABELS}),
        (reverse("serving_default", "labels", "scores", "suggested"), {LABELS}),
        (reverse("classify", "classes", "scores"), {LABELS}),
        (put(CLASSIFY_TEXT, "scores", (0, 0), 0.92), {LABELS}),
        (put("probabilities", "probabilities", (2, 3), 1.01), {RANGE, LABELS}),
        (put("evaluate", "probabilities", (1, 0), -0.01), {RANGE, LABELS, SUGGESTED}),
        (put("evaluate", "abstract_only_probabilities", (1, 1), np.nan), {RANGE, EXPORTED}),
        (put("serving_default", "suggested", (0, 1), False), {SUGGESTED}),
        (put("serving_default", "suggested", (1, 2), True), {SUGGESTED}),
        (put("evaluate", "suggested", (0, 1), 1.0), {SUGGESTED}),
        (put("evaluate", "abstract_only_suggested", (0, 1), 0.0), {SUGGESTED}),
        (put("serving_default", "known_share", 0, 0.0), {SUGGESTED}),
        (put("evaluate", "abstract_only_known_share", 2, 0.0), {SUGGESTED}),
        (put("explain", "labels", (1, 1), "cs.CV"), {LABELS}),
    ],
)
def test_a_fault_of_the_model_is_found_by_its_checks(change, expected):
    assert failed(observe(change)) == expected


@pytest.mark.parametrize("where", ["gRPC", "REST"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("evaluate", "probabilities", (0, 1), 0.3101), {LABELS, EXPORTED}),
        (put("evaluate", "abstract_only_probabilities", (0, 4), 0.0201), {EXPORTED}),
        (put("serving_default", "scores", (0, 0), 0.9101), {LABELS}),
        (put("transform_features", "labels", (0, 1), 1.0), {EXPORTED}),
        (put("transform_features", "unknown_labels", 0, 1), {EXPORTED}),
        (put("evaluate", "suggested", (0, 2), 0.0), {SUGGESTED, EXPORTED}),
        # JSON rounds to six digits.
        (put("probabilities", "probabilities", (0, 4), 0.310004), set()),
    ],
)
def test_a_server_that_answers_wrongly_is_found(change, where, expected):
    assert failed(observe(change, where)) == expected


def test_what_the_model_says_of_itself_must_be_true():
    assert failed(replace(observe(), threshold=0.5)) == {SUGGESTED}
    swapped = ("cs.CV", "cs.LG", *VOCABULARY[2:])
    assert failed(replace(observe(), labels=swapped)) == {LABELS}


def test_labels_with_equal_scores_may_change_places():
    """At ranks 1 and 2 of the first text, and at the rank just outside of the second."""

    def tie(answers: Answers) -> None:
        answers["probabilities"]["probabilities"][0, 2] = 0.91
        answers["probabilities"]["probabilities"][1, 4] = 0.39
        for question in ("serving_default", "explain", CLASSIFY_TEXT):
            answers[question]["scores"][0] = [0.91, 0.91, 0.31]

    def tie_otherwise(answers: Answers) -> None:
        tie(answers)
        answers["serving_default"]["labels"][0] = ["stat.ML", "cs.LG", "größe"]
        answers["serving_default"]["labels"][1, 2] = "größe"

    assert failed(observe(tie)) == set()
    assert failed(observe(tie_otherwise)) == set()


def test_scores_at_the_threshold_may_round_to_either_side():
    def near(score: float, suggested: bool) -> Callable[[Answers], None]:
        def change(answers: Answers) -> None:
            answers["probabilities"]["probabilities"][1, 3] = score
            for question in ("serving_default", "explain", CLASSIFY_TEXT):
                answers[question]["scores"][1, 1] = score
            for question in ("serving_default", "explain"):
                answers[question]["suggested"][1, 1] = suggested
                answers["evaluate"]["probabilities"][1, 0] = score
            answers["evaluate"]["suggested"][1, 0] = suggested
            classes, scores = ranked(answers["evaluate"]["probabilities"])
            answers["classify"].update(classes=classes, scores=scores)

        return change

    over, under = observe(near(0.4000005, True)), observe(near(0.3999999, False))
    mixed = {"gRPC": over.served["gRPC"], "REST": under.served["REST"]}
    assert failed(replace(over, served=mixed)) == set()
    assert failed(observe(near(0.3999, True))) == {SUGGESTED}


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        (lambda a: a["serving_default"].pop("scores"), "gRPC", "has the outputs"),
        (lambda a: a["classify"].update(more=np.zeros(3)), "REST", "'more'"),
        (
            lambda a: a["probabilities"].update(probabilities=OF_TEXTS[:, :4]),
            "gRPC",
            "probabilities over gRPC: probabilities has the shape (3, 4), must have (3, 5)",
        ),
        (
            lambda a: a["probabilities"].update(probabilities=OF_TEXTS[:2]),
            "REST",
            "probabilities over REST: probabilities has the shape (2, 5), must have (3, 5)",
        ),
        (
            lambda a: a["classify"].update({k: v[:, :2] for k, v in a["classify"].items()}),
            "gRPC REST",
            "classes has the shape (3, 2), must have (3, 3)",
        ),
        (
            lambda a: a["serving_default"].update(suggested=np.ones((3, 3), np.float32)),
            "gRPC",
            "suggested has the type float32",
        ),
        (
            lambda a: a["serving_default"].update(labels=np.array(["a", "b", "c"], object)),
            "gRPC",
            "serving_default gives 0 labels of 5",
        ),
        (
            lambda a: a["explain"].update(contributions=np.zeros((3, 3, 1), np.float32)),
            "REST",
            "contributions has the shape (3, 3, 1), must have (3, 3, 2)",
        ),
        (
            lambda a: a["transform_features"].update(unknown_labels=np.zeros((3, 1), int)),
            "gRPC",
            "unknown_labels has the shape (3, 1), must have (3,)",
        ),
    ],
)
def test_outputs_of_other_names_types_and_shapes_are_found(change, where, message):
    problems = list(check_shapes(observe(change, where)))
    assert any(message in problem for problem in problems), problems


def test_more_labels_than_there_are_is_found():
    seen = replace(observe(), labels=VOCABULARY[:2])
    assert any("gives 3 labels of 2" in problem for problem in check_shapes(seen))


def test_the_message_names_the_paper_and_what_is_wrong():
    seen = observe(put("serving_default", "labels", (1, 2), "cs.CV"), "gRPC")
    (problem,) = VALUE_CHECKS[LABELS](seen)
    assert problem == (
        "serving_default over gRPC, paper 2: cs.CV has the score 0.390000, and 0.820000 in "
        "probabilities"
    )
