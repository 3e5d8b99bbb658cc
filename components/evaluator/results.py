"""Reads what the Evaluator wrote: the figures of a model, of each slice and of each label."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tfx.dsl.io import fileio

from components.evaluator.evaluation_files import OVERALL, MeasuredSlice, read_slices_measured
from components.evaluator.paper_slices import ORDERED_VALUES, SLICES
from components.evaluator.tfma_metrics import (
    ABSTRACT_ONLY_NAMES,
    EXAMPLES,
    LABELS,
    METRIC_NAMES,
)
from schema import names
from schema.errors import BadInputError


@dataclass(frozen=True)
class SliceFigures:
    """A model on some of the test papers.

    Attributes:
        name: What they have in common: one of `paper_slices.SLICES`.
        value: Which of its values they have.
        figures: The metrics by name, as `read_figures` returns them.
    """

    name: str
    value: str
    figures: dict[str, float]


@dataclass(frozen=True)
class LabelFigures:
    """A model on one label of its vocabulary, over all test papers; 0 where a figure is 0 / 0.

    Attributes:
        label: The label.
        support: Papers where it is true.
        suggested: Papers where it is suggested.
        precision: Share of the suggestions that are true.
        recall: Share of the papers with the label where it is suggested.
        f1: Their harmonic mean.
        pr_auc: Area under its precision-recall curve.
        threshold: From which probability on it is suggested.
    """

    label: str
    support: int
    suggested: int
    precision: float
    recall: float
    f1: float
    pr_auc: float
    threshold: float


def read_figures(evaluation_uri: str) -> dict[str, float]:
    """Reads the candidate's metrics on the whole test split, by name.

    METRIC_NAMES, and those of the abstract alone under `abstract_only/`.

    Raises:
        BadInputError: There was no test example to measure on.
    """
    return _figures(_overall(evaluation_uri))


def read_slices(evaluation_uri: str) -> list[SliceFigures]:
    """Reads the candidate's metrics on each slice that holds a test paper.

    Returns:
        The slices by name in the order of `paper_slices.SLICES`; those of a name in the order of
        their values, or most papers first where these have none.
    """
    slices = []
    for measured in read_slices_measured(evaluation_uri):
        for name, value in measured.key:
            if name in SLICES:
                slices.append(SliceFigures(name, value, _figures(measured)))
    return sorted(slices, key=_place)


def read_labels(evaluation_uri: str) -> list[LabelFigures]:
    """Reads the candidate's figures of each label, in the order of its vocabulary.

    Raises:
        BadInputError: There was no test example to measure on.
    """
    figures = _overall(evaluation_uri).candidate
    with fileio.open(f"{evaluation_uri}/{names.EVALUATED_LABELS_FILE}", "rb") as file:
        known = json.loads(file.read())
    columns = {
        name: figures[f"{LABELS}{name}"].tolist()
        for name in ("precision", "recall", "f1", "pr_auc")
    }
    counts = {
        name: figures[f"{LABELS}{name}"].astype(int).tolist() for name in ("support", "suggested")
    }
    return [
        LabelFigures(
            label=label,
            threshold=threshold,
            **{name: column[row] for name, column in counts.items()},
            **{name: column[row] for name, column in columns.items()},
        )
        for row, (label, threshold) in enumerate(
            zip(known["labels"], known["thresholds"], strict=True)
        )
    ]


def _overall(evaluation_uri: str) -> MeasuredSlice:
    for measured in read_slices_measured(evaluation_uri):
        if measured.key == OVERALL:
            return measured
    raise BadInputError(
        f"The evaluation in {evaluation_uri} holds no metrics: the test split is empty. "
        "Add papers or raise data.test_share."
    )


def _figures(measured: MeasuredSlice) -> dict[str, float]:
    return {name: measured.candidate[name] for name in (*METRIC_NAMES, *ABSTRACT_ONLY_NAMES)}


def _place(each: SliceFigures) -> tuple[int, int, float, str]:
    order = ORDERED_VALUES.get(each.name, ())
    place = order.index(each.value) if each.value in order else len(order)
    return SLICES.index(each.name), place, -each.figures[EXAMPLES], each.value
