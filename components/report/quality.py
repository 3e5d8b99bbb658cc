"""The metrics of the report that come from the scored test papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np

from components.baselines.results import BaselineScores
from components.metrics.bootstrap import Scored, resample
from components.metrics.calibration import bins_from, count_pairs, likely_pairs
from components.metrics.confusion import confused_labels, most_wrong
from components.metrics.curves import precision_recall_curve, threshold_curve
from components.metrics.inputs import Array, IntVector, checked_unknown
from components.papers.examples import parse_example
from components.papers.raw_paper import RawPaper
from components.report.settings import ReportSettings
from serving.suggestion import Suggestions

_CONFUSIONS: Final = 20
_MATRIX_LABELS: Final = 12
_WRONG_LABELS: Final = 5
_SHOWN_CHARACTERS: Final = 3_000
_MODEL: Final = "this model"


def align(baseline: BaselineScores, labels: Sequence[str], rows: IntVector, own: Scored) -> Scored:
    """Returns a baseline's scores for the papers and labels that a model was scored on.

    Args:
        baseline: Its scores for the whole test split.
        labels: The model's vocabulary, L labels.
        rows: Rows of the papers in the split, [n].
        own: The model's scores for these papers.
    """
    scores = baseline.scores_for(labels)[rows]
    return replace(own, probabilities=scores, thresholds=baseline.threshold)


def headline(
    own: Scored, baselines: Mapping[str, Scored], settings: ReportSettings
) -> list[dict[str, Any]]:
    """Returns the headline metrics with intervals, and the baselines' beside them.

    Args:
        own: The model's scores.
        baselines: The baselines' scores for the same papers and labels, by name.
        settings: Number of bootstrap draws, and the level of the intervals.

    Returns:
        For each metric `metric`, `value`, `low`, `high` and `baselines`: by name the same and
        `difference`, the model minus the baseline on the same draws, with `share_above`.
    """
    model, *others = resample(
        [own, *baselines.values()], samples=settings.bootstrap_samples, seed=settings.seed
    )
    beside = {
        name: (other.intervals(settings.level), model.minus(other, settings.level))
        for name, other in zip(baselines, others, strict=True)
    }
    return [
        {
            "metric": metric,
            **interval,
            "baselines": {
                name: {**values[metric], "difference": differences[metric]}
                for name, (values, differences) in beside.items()
            },
        }
        for metric, interval in model.intervals(settings.level).items()
    ]


def curves(own: Scored, baselines: Mapping[str, Scored]) -> dict[str, Any]:
    """Returns all precision-recall curves, and the model's F1 against the threshold.

    A baseline that suggests nothing is left out.
    """
    shown = {
        _MODEL: own,
        **{name: each for name, each in baselines.items() if each.suggested.any()},
    }
    # Where the model suggests nothing, no threshold changes that.
    suggestible = np.where(np.isinf(own.thresholds), np.float32(0), own.probabilities)
    return {
        "precision_recall": [_precision_recall(name, each) for name, each in shown.items()],
        "f1": {
            name: values.tolist()
            for name, values in threshold_curve(own.y_true, suggestible, own.unknown).items()
        },
    }


def calibration(own: Scored, level: float) -> dict[str, list[dict[str, Any]]]:
    """Returns the bins of the calibration curve as `bins_from` does.

    `calibration` are those of all pairs; `calibration_suggested` of the pairs that are suggested
    or above 0.1, the ones that `ece_suggested` is measured on.
    """
    likely = likely_pairs(own.probabilities, own.suggested)
    return {
        "calibration": bins_from(count_pairs(own.y_true, own.probabilities, own.unknown), level),
        "calibration_suggested": bins_from(
            count_pairs(own.y_true, own.probabilities, among=likely), level
        ),
    }


def errors(own: Scored) -> dict[str, Any]:
    """Counts the labels that are missed, and those that are suggested but not true (extra).

    Returns:
        `all_right`, the number of papers with neither; `missed` and `extra`: `total`, the number
        of such labels, and `papers`, the number of papers with 0, 1, 2, ... of them.
    """
    missed, extra = _missed_and_extra(own)
    return {
        "all_right": int((missed + extra == 0).sum()),
        "missed": {"total": int(missed.sum()), "papers": np.bincount(missed).tolist()},
        "extra": {"total": int(extra.sum()), "papers": np.bincount(extra).tolist()},
    }


def matrix(own: Scored, labels: Sequence[str]) -> dict[str, Any]:
    """Returns how often the papers of each large label get it, or another one wrongly.

    Returns:
        `labels`, at most 12, most test papers first, and their numbers of `papers`; `counts`, a
        row for each: how many of its papers are suggested the label of the column, itself, or
        another one that is not true; and `shares`, the same as shares of its papers.
    """
    largest = _largest_labels(own)[:_MATRIX_LABELS]
    truth, suggested = own.y_true[:, largest].astype(bool), own.suggested[:, largest]
    papers = truth.sum(axis=0)
    counts = truth.T.astype(np.int64) @ (suggested & ~truth)
    np.fill_diagonal(counts, (truth & suggested).sum(axis=0))
    return {
        "labels": [labels[column] for column in largest],
        "papers": papers.tolist(),
        "counts": counts.tolist(),
        "shares": (counts / papers[:, np.newaxis]).tolist(),
    }


def confusion(own: Scored, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Returns which labels are suggested in place of which, most frequent first."""
    pairs = confused_labels(
        own.y_true, own.probabilities, own.thresholds, own.unknown, n=_CONFUSIONS
    )
    return [
        {"missed": labels[missed], "suggested": labels[wrong], "count": count, "papers": papers}
        for missed, wrong, count, papers in pairs
    ]


def wrong_papers(
    own: Scored,
    labels: Sequence[str],
    records: Sequence[bytes],
    count: int,
    explain: Callable[[RawPaper], Suggestions],
) -> list[dict[str, Any]]:
    """Returns the papers with the highest loss, the worst first.

    Args:
        own: The model's scores for n papers.
        labels: Its vocabulary.
        records: The papers' serialized raw examples, [n].
        count: Maximum number of papers.
        explain: Returns a paper's best labels, and why they have their scores.

    Returns:
        `title`, `abstract` and `loss` of each; `true`, its labels with `probability` (None if the
        model doesn't know the label) and whether they are `suggested`; and `wrong`, a few labels
        that are not true: suggested ones first, then by probability. `why` says what
        speaks for and against those of the best labels that were suggested or missed by mistake.
    """
    suggested = own.suggested
    papers = []
    for index, loss in most_wrong(own.y_true, own.probabilities, own.unknown, n=count):
        paper = parse_example(records[index])
        why = [
            {"label": each.label, **asdict(each.why)}
            for each in explain(paper)
            if each.why and each.suggested != (each.label in (*paper.labels, *paper.left_out))
        ]
        shown = _paper(paper, own, labels, index, suggested[index])
        papers.append({**shown, "loss": loss, "why": why})
    return papers


def right_papers(
    own: Scored, labels: Sequence[str], records: Sequence[bytes], count: int
) -> list[dict[str, Any]]:
    """Returns a typical right paper of each of the largest labels, largest label first.

    Of the papers of a label whose suggestions are exactly their true labels, it is the one with
    the median loss. Arguments and results are as for `wrong_papers`, with `label`, the one that
    the paper is typical of, in place of `why`. No paper comes twice.
    """
    missed, extra = _missed_and_extra(own)
    right = missed + extra == 0
    ranked = most_wrong(own.y_true, own.probabilities, own.unknown, n=len(records))
    ranked = [each for each in ranked if right[each[0]]]
    suggested = own.suggested
    papers = []
    for column in _largest_labels(own)[:count]:
        candidates = [each for each in ranked if own.y_true[each[0], column]]
        if candidates:
            index, loss = candidates[len(candidates) // 2]
            ranked.remove((index, loss))
            shown = _paper(parse_example(records[index]), own, labels, index, suggested[index])
            papers.append({**shown, "loss": loss, "label": labels[column]})
    return papers


def _missed_and_extra(own: Scored) -> tuple[IntVector, IntVector]:
    """Returns each paper's numbers of labels that are missed and extra, [n]."""
    truth, suggested = own.y_true.astype(bool), own.suggested
    missed = (truth & ~suggested).sum(axis=1) + checked_unknown(own.unknown, len(truth))
    return missed, (suggested & ~truth).sum(axis=1)


def _largest_labels(own: Scored) -> list[int]:
    """Returns the columns of the true labels, most papers first."""
    papers = own.y_true.sum(axis=0)
    return [column for column in np.argsort(-papers, kind="stable").tolist() if papers[column]]


def _paper(
    paper: RawPaper, own: Scored, labels: Sequence[str], index: int, suggested: Array
) -> dict[str, Any]:
    columns = {label: column for column, label in enumerate(labels)}
    row = own.probabilities[index]
    untrue = np.flatnonzero(~own.y_true[index].astype(bool))
    ranked = untrue[np.lexsort((-row[untrue], ~suggested[untrue]))]
    return {
        "title": paper.title[:_SHOWN_CHARACTERS],
        "abstract": paper.abstract[:_SHOWN_CHARACTERS],
        "true": [
            _label(term, columns.get(term), row, suggested)
            for term in (*paper.labels, *paper.left_out)
        ],
        "wrong": [
            _label(labels[place], place, row, suggested)
            for place in ranked[:_WRONG_LABELS].tolist()
        ],
    }


def _label(label: str, place: int | None, row: Array, suggested: Array) -> dict[str, Any]:
    if place is None:
        return {"label": label, "probability": None, "suggested": False}
    return {
        "label": label,
        "probability": float(row[place]),
        "suggested": bool(suggested[place]),
    }


def _precision_recall(name: str, scored: Scored) -> dict[str, Any]:
    precision, recall, area = precision_recall_curve(
        scored.y_true, scored.probabilities, scored.unknown
    )
    return {"name": name, "recall": recall.tolist(), "precision": precision.tolist(), "area": area}
