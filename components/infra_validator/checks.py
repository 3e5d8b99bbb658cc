"""What must be true of a server's answers: pure functions that name what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.infra_validator.answers import Answer
from components.infra_validator.faults import ModelFault
from components.infra_validator.requests import CLASSIFY_TEXT
from schema import names

Array = npt.NDArray[Any]
# What a check finds, in words; nothing where all is well.
Problems = Iterator[str]

# A float in JSON has six digits, and a batch of another size may round otherwise.
TRANSPORT_TOLERANCE: Final = 5e-6
# Another program, and another batch size: the order of the sums is its own.
MODEL_TOLERANCE: Final = 1e-5

_STRING, _FLOAT, _BOOL, _INTEGER = "O", "f", "b", "i"
# The outputs of each question by kind, and whether they are k or L wide, or have no width.
_OUTPUTS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    names.SIGNATURE_DEFAULT: {
        names.OUTPUT_LABELS: (_STRING, "k"),
        names.OUTPUT_SCORES: (_FLOAT, "k"),
        names.OUTPUT_SUGGESTED: (_BOOL, "k"),
    },
    names.SIGNATURE_CLASSIFY: {
        names.OUTPUT_CLASSES: (_STRING, "k"),
        names.OUTPUT_SCORES: (_FLOAT, "k"),
    },
    CLASSIFY_TEXT: {
        names.OUTPUT_CLASSES: (_STRING, "k"),
        names.OUTPUT_SCORES: (_FLOAT, "k"),
    },
    names.SIGNATURE_PROBABILITIES: {names.OUTPUT_PROBABILITIES: (_FLOAT, "L")},
    names.SIGNATURE_EVALUATE: {
        names.OUTPUT_PROBABILITIES: (_FLOAT, "L"),
        names.OUTPUT_SUGGESTED: (_FLOAT, "L"),
        names.OUTPUT_ABSTRACT_ONLY_PROBABILITIES: (_FLOAT, "L"),
        names.OUTPUT_ABSTRACT_ONLY_SUGGESTED: (_FLOAT, "L"),
    },
    names.SIGNATURE_TRANSFORM: {
        names.LABELS: (_FLOAT, "L"),
        names.UNKNOWN_LABELS: (_INTEGER, ""),
    },
}
# Where the best labels stand, and the question that gives all probabilities of the same papers.
_RANKED: Final = {
    names.SIGNATURE_DEFAULT: (names.OUTPUT_LABELS, names.SIGNATURE_PROBABILITIES),
    CLASSIFY_TEXT: (names.OUTPUT_CLASSES, names.SIGNATURE_PROBABILITIES),
    names.SIGNATURE_CLASSIFY: (names.OUTPUT_CLASSES, names.SIGNATURE_EVALUATE),
}

# The scores from which a question tells which labels are suggested.
_SCORED: Final[Mapping[str, Mapping[str, str]]] = {
    names.SIGNATURE_DEFAULT: {names.OUTPUT_SUGGESTED: names.OUTPUT_SCORES},
    names.SIGNATURE_EVALUATE: {
        names.OUTPUT_SUGGESTED: names.OUTPUT_PROBABILITIES,
        names.OUTPUT_ABSTRACT_ONLY_SUGGESTED: names.OUTPUT_ABSTRACT_ONLY_PROBABILITIES,
    },
}
_SCORES: Final = frozenset({names.OUTPUT_SCORES, *_SCORED[names.SIGNATURE_EVALUATE].values()})


@dataclass(frozen=True)
class Observed:
    """All answers about the same papers, by transport and question.

    Attributes:
        papers: Number of papers.
        vocabulary: The model's label vocabulary asset.
        thresholds: The model's own for each label, of `model_info.json`, float32 [L].
        grpc: The server's answers over gRPC.
        rest: The same over REST.
        exported: What the exported model answers in this process, or why it does not.
    """

    papers: int
    vocabulary: tuple[str, ...]
    thresholds: Array
    grpc: Mapping[str, Answer]
    rest: Mapping[str, Answer]
    exported: Mapping[str, Answer] | ModelFault

    @property
    def served(self) -> Mapping[str, Mapping[str, Answer]]:
        """The answers of the server by transport."""
        return {"gRPC": self.grpc, "REST": self.rest}


def shapes(seen: Observed) -> Problems:
    """Finds answers without the right outputs, types, and [n], [n, k] or [n, L]."""
    labels = seen.grpc[names.SIGNATURE_DEFAULT].get(names.OUTPUT_LABELS)
    k = labels.shape[1] if labels is not None and labels.ndim == 2 else 0
    if not 1 <= k <= len(seen.vocabulary):
        yield f"the best {k} of {len(seen.vocabulary)} labels are answered"
    widths: dict[str, tuple[int, ...]] = {"k": (k,), "L": (len(seen.vocabulary),), "": ()}
    for transport, answers in seen.served.items():
        for question, outputs in _OUTPUTS.items():
            where = f"{question} over {transport}"
            found = answers[question]
            if found.keys() != outputs.keys():
                yield f"{where} has the outputs {sorted(found)}, must have {sorted(outputs)}"
                continue
            for output, (kind, width) in outputs.items():
                values = found[output]
                if values.dtype.kind != kind:
                    yield f"{where}: {output} has the type {values.dtype}"
                if values.shape != (seen.papers, *widths[width]):
                    expected = [seen.papers, *widths[width]]
                    yield f"{where}: {output} has the shape {list(values.shape)}, not {expected}"


def label_names(seen: Observed) -> Problems:
    """Finds labels outside the vocabulary, and labels named twice for a paper."""
    vocabulary = set(seen.vocabulary)
    for transport, answers in seen.served.items():
        for question, (output, _) in _RANKED.items():
            for number, row in enumerate(answers[question][output].tolist(), start=1):
                where = f"{question} over {transport}, paper {number}"
                if unknown := [label for label in row if label not in vocabulary]:
                    yield f"{where}: {unknown} not in the label vocabulary"
                if len(set(row)) < len(row):
                    yield f"{where}: a label twice in {row}"


def score_order(seen: Observed) -> Problems:
    """Finds scores and probabilities outside 0 to 1, and scores that are not best first."""
    for transport, answers in seen.served.items():
        for question, outputs in _OUTPUTS.items():
            for output in outputs.keys() & _SCORES:
                values = answers[question][output]
                where = f"{question} over {transport}: {output}"
                if not ((values >= 0) & (values <= 1)).all():
                    yield f"{where} from {values.min():g} to {values.max():g}, not in 0 to 1"
                if output == names.OUTPUT_SCORES and (np.diff(values, axis=1) > 0).any():
                    yield f"{where} not best first"


def suggestions(seen: Observed) -> Problems:
    """Finds labels suggested below the model's threshold, or not suggested above it."""
    for transport, answers in seen.served.items():
        for question, scored in _SCORED.items():
            thresholds = _thresholds(seen, question, answers[question])
            for output, scores_output in scored.items():
                scores = answers[question][scores_output]
                wrong = (answers[question][output] == 1) != (scores >= thresholds)
                # A label that the model doesn't have is found elsewhere.
                wrong &= ~np.isnan(thresholds)
                if transport == "REST":
                    wrong &= np.abs(scores - thresholds) > TRANSPORT_TOLERANCE
                for row, column in np.argwhere(wrong)[:1]:
                    yield (
                        f"{question} over {transport}, paper {row + 1}: {output} is on the wrong "
                        f"side of the threshold {thresholds[row, column]:.7f} for a label with "
                        f"the score {scores[row, column]:.7f} ({wrong.sum()} such labels)"
                    )


def scores_of_labels(seen: Observed) -> Problems:
    """Finds labels whose score is not their probability by the order of the vocabulary."""
    columns = {label: column for column, label in enumerate(seen.vocabulary)}
    for question, (output, all_of) in _RANKED.items():
        labels, scores = (seen.grpc[question][name] for name in (output, names.OUTPUT_SCORES))
        everything = seen.grpc[all_of][names.OUTPUT_PROBABILITIES]
        best = -np.sort(-everything, axis=1)[:, : scores.shape[1]]
        if not np.abs(scores - best).max() <= MODEL_TOLERANCE:
            yield f"{question}: the scores are not the highest that {all_of} gives"
        places = np.array([[columns.get(label, 0) for label in row] for row in labels.tolist()])
        apart = np.abs(scores - np.take_along_axis(everything, places, axis=1))
        for row, column in np.argwhere(~(apart <= MODEL_TOLERANCE))[:1]:
            yield (
                f"{question}, paper {row + 1}: {labels[row, column]} has the score "
                f"{scores[row, column]:.6f}, and {everything[row, places[row, column]]:.6f} at "
                f"its place in {all_of}"
            )


def transports(seen: Observed) -> Problems:
    """Finds what REST answers otherwise than gRPC."""
    for question in _OUTPUTS:
        yield from _differences(seen, question, seen.rest, seen.grpc, TRANSPORT_TOLERANCE)


def exported_model(seen: Observed) -> Problems:
    """Finds what the server answers otherwise than the exported model in this process."""
    if isinstance(seen.exported, ModelFault):
        yield str(seen.exported)
        return
    for question in _OUTPUTS:
        yield from _differences(seen, question, seen.grpc, seen.exported, MODEL_TOLERANCE)


def classification(seen: Observed) -> Problems:
    """Finds what `classify` answers otherwise than `serving_default` for the same texts."""
    classified, suggested = seen.grpc[CLASSIFY_TEXT], seen.grpc[names.SIGNATURE_DEFAULT]
    yield from _ranking_differences(
        CLASSIFY_TEXT,
        (classified[names.OUTPUT_CLASSES], classified[names.OUTPUT_SCORES]),
        (suggested[names.OUTPUT_LABELS], suggested[names.OUTPUT_SCORES]),
        MODEL_TOLERANCE,
    )


# By what they are called in the report; they rest on answers of the right shapes.
VALUE_CHECKS: Final[Mapping[str, Callable[[Observed], Problems]]] = {
    "label names": label_names,
    "scores best first, 0 to 1": score_order,
    "suggested from the threshold on": suggestions,
    "scores belong to their labels": scores_of_labels,
    "REST equals gRPC": transports,
    "server equals exported model": exported_model,
    "classify equals serving_default": classification,
}


def _differences(
    seen: Observed,
    question: str,
    ours: Mapping[str, Answer],
    theirs: Mapping[str, Answer],
    tolerance: float,
) -> Problems:
    mine, other = ours[question], theirs[question]
    if mine.keys() != other.keys():
        yield f"{question}: the outputs {sorted(mine)} instead of {sorted(other)}"
        return
    for output, values in mine.items():
        if values.shape != other[output].shape:
            yield f"{question}: {output} has another shape"
            return
    if question in _RANKED:
        labels = _RANKED[question][0]
        yield from _ranking_differences(
            question,
            (mine[labels], mine[names.OUTPUT_SCORES]),
            (other[labels], other[names.OUTPUT_SCORES]),
            tolerance,
        )
    for output, values in mine.items():
        if output in (names.OUTPUT_LABELS, names.OUTPUT_CLASSES) and question in _RANKED:
            continue
        distance = np.abs(values.astype(np.float64) - other[output].astype(np.float64))
        # Also true where one of them is no number.
        apart = ~(distance <= tolerance)
        if output in _SCORED.get(question, {}):
            # Two scores on the two sides of the threshold may be as good as the same.
            scores = other[_SCORED[question][output]]
            apart &= ~(np.abs(scores - _thresholds(seen, question, other)) <= tolerance)
            if question in _RANKED:
                # Labels that changed places took their own thresholds along.
                apart &= mine[_RANKED[question][0]] == other[_RANKED[question][0]]
        for place in np.argwhere(apart)[:1]:
            yield (
                f"{question}, paper {place[0] + 1}: {output} is {values[tuple(place)]} instead "
                f"of {other[output][tuple(place)]} ({apart.sum()} such values)"
            )


def _thresholds(seen: Observed, question: str, answer: Answer) -> Array:
    """Returns the threshold of every label that an answer scores, NaN for one of no model."""
    if question not in _RANKED:
        return np.broadcast_to(seen.thresholds, (seen.papers, len(seen.vocabulary)))
    by_label = dict(zip(seen.vocabulary, seen.thresholds, strict=True))
    labels = answer[_RANKED[question][0]].tolist()
    return np.array([[by_label.get(label, np.nan) for label in row] for row in labels], np.float32)


def _ranking_differences(
    question: str, mine: tuple[Array, Array], other: tuple[Array, Array], tolerance: float
) -> Problems:
    """Finds the first row with other labels, where labels with one score may change places.

    A label that is missing on the other side must be as good as the last one there.
    """
    rows = zip(*mine, *other, strict=True)
    for number, (labels, scores, their_labels, their_scores) in enumerate(rows, start=1):
        theirs = dict(zip(their_labels, their_scores, strict=True))
        elsewhere = np.array([theirs.get(label, their_scores[-1]) for label in labels])
        expected = np.where(labels == their_labels, their_scores, elsewhere)
        if not np.abs(scores - expected).max() <= tolerance:
            yield f"{question}, paper {number}: {_shown(mine, number)}, not {_shown(other, number)}"
            return


def _shown(ranking: tuple[Array, Array], number: int) -> str:
    labels, scores = (values[number - 1] for values in ranking)
    return " ".join(f"{label} {score:.4f}" for label, score in zip(labels, scores, strict=True))
