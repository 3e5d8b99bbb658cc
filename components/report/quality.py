"""The metrics of the report that come from the scored test papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np

from components.baselines.results import BaselineScores
from components.metrics.bootstrap import Scored, resample
from components.metrics.calibration import bins_from, count_pairs
from components.metrics.confusion import confused_labels, most_wrong
from components.metrics.curves import precision_recall_curve, threshold_curve
from components.metrics.inputs import Array, IntVector
from components.papers.examples import parse_example
from components.papers.raw_paper import RawPaper
from components.report.settings import ReportSettings
from serving.suggestion import Suggestions

_CONFUSIONS: Final = 20
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


def calibration(own: Scored) -> list[dict[str, Any]]:
    """Returns the bins of the calibration curve."""
    return bins_from(count_pairs(own.y_true, own.probabilities, own.unknown))


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
    column = {label: index for index, label in enumerate(labels)}
    all_suggested = own.suggested
    papers = []
    for index, loss in most_wrong(own.y_true, own.probabilities, own.unknown, n=count):
        paper = parse_example(records[index])
        row, suggested = own.probabilities[index], all_suggested[index]
        untrue = np.flatnonzero(~own.y_true[index].astype(bool))
        ranked = untrue[np.lexsort((-row[untrue], ~suggested[untrue]))]
        papers.append(
            {
                "title": paper.title[:_SHOWN_CHARACTERS],
                "abstract": paper.abstract[:_SHOWN_CHARACTERS],
                "loss": loss,
                "true": [
                    _label(term, column.get(term), row, suggested)
                    for term in (*paper.labels, *paper.left_out)
                ],
                "wrong": [
                    _label(labels[place], place, row, suggested)
                    for place in ranked[:_WRONG_LABELS].tolist()
                ],
                "why": [
                    {"label": each.label, **asdict(each.why)}
                    for each in explain(paper)
                    if each.why
                    and each.suggested != (each.label in (*paper.labels, *paper.left_out))
                ],
            }
        )
    return papers


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
