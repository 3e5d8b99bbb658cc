"""What must be true of the answers about a candidate: functions that report what is not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.infra_validator.answers import Answer
from components.infra_validator.requests import CLASSIFY_TEXT, COMPUTED
from schema import names

Array = npt.NDArray[Any]
# One message for each problem that a check finds.
Problems = Iterator[str]

# JSON rounds to six digits, and another batch size or program adds numbers up in another order.
TOLERANCE: Final = 1e-5

_STRING, _FLOAT, _BOOL, _INTEGER = "O", "f", "b", "i"
_RANKING: Final = {names.OUTPUT_CLASSES: (_STRING, "k"), names.OUTPUT_SCORES: (_FLOAT, "k")}
_SUGGESTIONS: Final = {
    names.OUTPUT_LABELS: (_STRING, "k"),
    names.OUTPUT_SCORES: (_FLOAT, "k"),
    names.OUTPUT_SUGGESTED: (_BOOL, "k"),
    names.OUTPUT_KNOWN_SHARE: (_FLOAT, ""),
}
_EVALUATED: Final = {
    names.OUTPUT_PROBABILITIES: (_FLOAT, "L"),
    names.OUTPUT_SUGGESTED: (_FLOAT, "L"),
    names.OUTPUT_KNOWN_SHARE: (_FLOAT, ""),
}
# The outputs of each question: the kind of dtype, and the width: k labels, m n-grams for each of
# them, all L labels, or none.
_OUTPUTS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    names.SIGNATURE_DEFAULT: _SUGGESTIONS,
    names.SIGNATURE_EXPLAIN: {
        **_SUGGESTIONS,
        names.OUTPUT_NGRAMS: (_STRING, "km"),
        names.OUTPUT_CONTRIBUTIONS: (_FLOAT, "km"),
        **dict.fromkeys((names.OUTPUT_LOGITS, names.OUTPUT_REST, names.OUTPUT_BIAS), (_FLOAT, "k")),
    },
    names.SIGNATURE_CLASSIFY: _RANKING,
    CLASSIFY_TEXT: _RANKING,
    names.SIGNATURE_PROBABILITIES: {names.OUTPUT_PROBABILITIES: (_FLOAT, "L")},
    names.SIGNATURE_EVALUATE: {
        **_EVALUATED,
        **{names.OUTPUT_ABSTRACT_ONLY + name: form for name, form in _EVALUATED.items()},
    },
    names.SIGNATURE_TRANSFORM: {
        names.LABELS: (_FLOAT, "L"),
        names.UNKNOWN_LABELS: (_INTEGER, ""),
    },
}
# The output with the best labels, and the question that gives all probabilities of these papers.
_RANKED: Final = {
    names.SIGNATURE_DEFAULT: (names.OUTPUT_LABELS, names.SIGNATURE_PROBABILITIES),
    names.SIGNATURE_EXPLAIN: (names.OUTPUT_LABELS, names.SIGNATURE_PROBABILITIES),
    CLASSIFY_TEXT: (names.OUTPUT_CLASSES, names.SIGNATURE_PROBABILITIES),
    names.SIGNATURE_CLASSIFY: (names.OUTPUT_CLASSES, names.SIGNATURE_EVALUATE),
}
# Where it is said which labels are suggested: the question, the prefix of the outputs, and the
# scores it goes by.
_SUGGESTING: Final = (
    (names.SIGNATURE_DEFAULT, "", names.OUTPUT_SCORES),
    (names.SIGNATURE_EXPLAIN, "", names.OUTPUT_SCORES),
    (names.SIGNATURE_EVALUATE, "", names.OUTPUT_PROBABILITIES),
    (names.SIGNATURE_EVALUATE, names.OUTPUT_ABSTRACT_ONLY, names.OUTPUT_PROBABILITIES),
)
_PROBABILITIES: Final = (
    (names.SIGNATURE_PROBABILITIES, names.OUTPUT_PROBABILITIES),
    (names.SIGNATURE_EVALUATE, names.OUTPUT_PROBABILITIES),
    (names.SIGNATURE_EVALUATE, names.OUTPUT_ABSTRACT_ONLY + names.OUTPUT_PROBABILITIES),
)


@dataclass(frozen=True)
class CollectedResponses:
    """What the model says of itself, and all answers about the same papers.

    Attributes:
        papers: Number of papers.
        labels: The label vocabulary, in the order of the probabilities.
        threshold: Minimum score at which a label is suggested.
        served: The server's answers, by transport (gRPC, REST) and question.
        exported: What the exported model answers in this process, by question.
        lacks: Signatures and outputs that the model hasn't, as it says.
    """

    papers: int
    labels: tuple[str, ...]
    threshold: float
    served: Mapping[str, Mapping[str, Answer]]
    exported: Mapping[str, Answer]
    lacks: Collection[str] = ()


def check_shapes(seen: CollectedResponses) -> Problems:
    """Reports outputs that are missing, unknown, or not of their type and shape."""
    for transport, answers in seen.served.items():
        best = answers[names.SIGNATURE_DEFAULT].get(names.OUTPUT_LABELS)
        k = best.shape[1] if best is not None and best.ndim == 2 else 0
        words = answers.get(names.SIGNATURE_EXPLAIN, {}).get(names.OUTPUT_NGRAMS, np.zeros(0))
        if not 1 <= k <= len(seen.labels):
            yield f"{names.SIGNATURE_DEFAULT} gives {k} labels of {len(seen.labels)}"
        widths = {"k": (k,), "km": (k, words.shape[-1]), "L": (len(seen.labels),), "": ()}
        for question, found in answers.items():
            where = f"{question} over {transport}"
            outputs = {
                name: form
                for name, form in _OUTPUTS[question].items()
                if name.removeprefix(names.OUTPUT_ABSTRACT_ONLY) not in seen.lacks
            }
            if found.keys() != outputs.keys():
                yield f"{where} has the outputs {sorted(found)}, must have {sorted(outputs)}"
                continue
            for output, (kind, width) in outputs.items():
                values, expected = found[output], (seen.papers, *widths[width])
                if values.dtype.kind != kind:
                    yield f"{where}: {output} has the type {values.dtype}"
                if values.shape != expected:
                    yield f"{where}: {output} has the shape {values.shape}, must have {expected}"


def check_probabilities(seen: CollectedResponses) -> Problems:
    """Reports probabilities outside 0 to 1, and NaN."""
    for transport, answers in seen.served.items():
        for question, output in _PROBABILITIES:
            values = answers[question][output]
            if not ((values >= 0) & (values <= 1)).all():
                yield (
                    f"{question} over {transport}: {output} from {values.min():g} to "
                    f"{values.max():g}, not in 0 to 1"
                )


def check_suggestions(seen: CollectedResponses) -> Problems:
    """Reports labels suggested below the model's threshold, or not suggested above it.

    Where nothing of the text is known, none may be suggested.
    """
    for transport, answers in seen.served.items():
        for question, prefix, scores_output in _SUGGESTING:
            if question in seen.lacks:
                continue
            output = prefix + names.OUTPUT_SUGGESTED
            suggested, scores = answers[question][output], answers[question][prefix + scores_output]
            known = answers[question].get(prefix + names.OUTPUT_KNOWN_SHARE, np.ones(seen.papers))
            expected = (scores >= seen.threshold) & (known[:, np.newaxis] > 0)
            wrong = ((suggested == 1) != expected) & _decided(seen, scores)
            for row, column in np.argwhere(wrong)[:1]:
                yield (
                    f"{question} over {transport}, paper {row + 1}: {output} is "
                    f"{bool(suggested[row, column])} for the score {scores[row, column]:.6f} and "
                    f"the threshold {seen.threshold:.6f} ({wrong.sum()} such labels)"
                )


def check_best_labels(seen: CollectedResponses) -> Problems:
    """Reports best labels that are unknown, out of order, or have another label's score."""
    columns = {label: column for column, label in enumerate(seen.labels)}
    for transport, answers in seen.served.items():
        for question, (output, all_of) in _RANKED.items():
            if question in seen.lacks:
                continue
            where = f"{question} over {transport}"
            labels, scores = answers[question][output], answers[question][names.OUTPUT_SCORES]
            probabilities = answers[all_of][names.OUTPUT_PROBABILITIES]
            best = -np.sort(-probabilities, axis=1)[:, : scores.shape[1]]
            if not np.abs(scores - best).max() <= TOLERANCE:
                yield f"{where}: the scores are not the highest of {all_of}, best first"
            # A label outside the vocabulary gets the last column, NaN.
            padded = np.pad(probabilities, [(0, 0), (0, 1)], constant_values=np.nan)
            places = np.array([[columns.get(label, -1) for label in row] for row in labels])
            expected = np.take_along_axis(padded, places, axis=1)
            for row, column in np.argwhere(~(np.abs(scores - expected) <= TOLERANCE))[:1]:
                yield (
                    f"{where}, paper {row + 1}: {labels[row, column]} has the score "
                    f"{scores[row, column]:.6f}, and {expected[row, column]:.6f} in {all_of}"
                )


def check_exported(seen: CollectedResponses) -> Problems:
    """Reports where the server computes something else than the exported model in this process.

    Compared is all that is computed; `check_best_labels` derives the best labels from that.
    """
    for transport, answers in seen.served.items():
        for question in COMPUTED:
            for output, values in answers[question].items():
                where, expected = f"{question} over {transport}", seen.exported[question][output]
                # Negated, so that it is also true where either is NaN.
                differs = ~(np.abs(values - expected) <= TOLERANCE)
                for suggesting, prefix, scores in _SUGGESTING:
                    if (question, output) == (suggesting, prefix + names.OUTPUT_SUGGESTED):
                        differs &= _decided(seen, seen.exported[question][prefix + scores])
                for place in np.argwhere(differs)[:1]:
                    yield (
                        f"{where}, paper {place[0] + 1}: {output} is {values[tuple(place)]} "
                        f"instead of {expected[tuple(place)]} ({differs.sum()} such values)"
                    )


# By their names in the report. They rely on answers of the right shapes.
VALUE_CHECKS: Final[Mapping[str, Callable[[CollectedResponses], Problems]]] = {
    "probabilities in 0 to 1": check_probabilities,
    "scores belong to their labels": check_best_labels,
    "labels suggested from the threshold up": check_suggestions,
    "server equals exported model": check_exported,
}


def _decided(seen: CollectedResponses, scores: Array) -> Array:
    """Returns which scores can't round to the other side of the threshold."""
    decided: Array = np.abs(scores - seen.threshold) > TOLERANCE
    return decided
