"""The charts of the page, from the facts of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from markupsafe import Markup

from components.report.charts import Axis, Mark, Series, line_chart, linear_ticks, log_ticks
from components.report.words import baseline_title

Facts = Mapping[str, Any]

_SHARE: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
# Beyond so many points a line gets no dots, and its end is thinned.
_DOTTED: Final = 60
_FREQUENCY_POINTS: Final = 300


@dataclass(frozen=True)
class Chart:
    """A drawing and the names of its lines.

    Attributes:
        svg: The `svg` element.
        legend: The name and the style of each line.
    """

    svg: Markup
    legend: list[tuple[str, int]]


def quality_charts(report: Facts) -> dict[str, Chart]:
    """Draws what needs a measured model: by the names that the template uses."""
    return {
        "precision_recall": precision_recall(report["curves"]["precision_recall"]),
        "f1": f1_by_threshold(report["curves"]["f1"], report["model"]["threshold"]),
        "calibration": calibration(report["calibration"]),
        "cells": cells(report["calibration"]),
        **training_charts(report["training"]["epochs"]),
    }


def precision_recall(curves: Sequence[Facts]) -> Chart:
    """Draws precision against recall, a line for the model and each baseline."""
    lines = [
        Series(
            f"{baseline_title(curve['name'])} (area {curve['area']:.3f})",
            list(zip(curve["recall"], curve["precision"], strict=True)),
            number,
        )
        for number, curve in enumerate(curves)
        # What gives all labels of all papers the same score has one point, no curve.
        if len(curve["recall"]) > 1
    ]
    return _chart(
        lines,
        Axis("recall: true labels found", _SHARE),
        Axis("precision: suggestions right", _SHARE),
        "Precision against recall over all thresholds. Areas under the curves: "
        + "; ".join(line.name for line in lines),
    )


def f1_by_threshold(curve: Facts, threshold: float) -> Chart:
    """Draws micro-F1, precision and recall against the threshold, the model's own marked."""
    lines = [
        Series(name, list(zip(curve["thresholds"], curve[key], strict=True)), style)
        for name, key, style in (
            ("micro-F1", "f1", 0),
            ("precision", "precision", 1),
            ("recall", "recall", 2),
        )
    ]
    best = max(zip(curve["f1"], curve["thresholds"], strict=True), default=(0.0, 0.0))
    return _chart(
        lines,
        Axis("threshold", _SHARE),
        Axis("share", _SHARE),
        f"micro-F1, precision and recall against the threshold. The model's threshold is "
        f"{threshold:.3f}; on these papers F1 is highest, {best[0]:.3f}, at {best[1]:.3f}.",
        mark=Mark(threshold, f"{threshold:.3f}"),
    )


def calibration(bins: Sequence[Facts]) -> Chart:
    """Draws how many labels are true against how probable the model takes them for."""
    points = [(each["mean_probability"], each["share_true"]) for each in bins if each["count"]]
    told = ", ".join(f"{share:.2f} at {probability:.2f}" for probability, share in points)
    return _chart(
        [Series("share that is true", points, 0, dots=True)],
        Axis("probability that the model gives", _SHARE),
        Axis("share that is true", _SHARE),
        f"Share of true labels against probability: {told}.",
        diagonal=True,
    )


def cells(bins: Sequence[Facts]) -> Chart:
    """Draws how many cells there are in each bin of probability, on a logarithmic scale."""
    points = [((each["low"] + each["high"]) / 2, each["count"]) for each in bins if each["count"]]
    most = max((count for _, count in points), default=1)
    told = ", ".join(f"{count:,} around {middle:.2f}" for middle, count in points)
    return _chart(
        [Series("labels of papers", points, 0, dots=True)],
        Axis("probability that the model gives", _SHARE),
        Axis("labels of papers", log_ticks(most), end=_above(most), log=True),
        f"Labels of papers by probability: {told}.",
    )


def training_charts(epochs: Sequence[Facts]) -> dict[str, Chart]:
    """Draws the loss, and the validation figures, after each epoch; none where none ran."""
    if not epochs:
        return {}
    return {
        "loss": _epochs(
            epochs, (("training", "loss"), ("validation", "val_loss")), "cross-entropy"
        ),
        "ranking": _epochs(
            epochs,
            (("LRAP", "val_lrap"), ("nDCG@5", "val_ndcg@5"), ("micro-F1", "val_micro_f1")),
            "validation",
        ),
    }


def frequencies(labels: Sequence[Facts], split: str) -> Chart:
    """Draws the number of papers of each label of a split, from the most frequent on."""
    counts = sorted((label[split] for label in labels if label[split]), reverse=True)
    step = max(1, len(counts) // _FREQUENCY_POINTS)
    # Frequent labels stay apart, rare ones are thinned.
    places = [
        place for place in range(len(counts)) if place < _DOTTED or (place - _DOTTED) % step == 0
    ]
    most, told = max(counts, default=1), "no label"
    if counts:
        told = f"{counts[0]:,} papers for the first of {len(counts):,} labels, {counts[-1]:,} for "
        told += f"the last, {counts[len(counts) // 2]:,} for the middle one"
    return _chart(
        [Series("papers", [(place + 1, counts[place]) for place in places], 0)],
        Axis(
            "labels, most frequent first",
            log_ticks(len(counts)),
            end=_above(len(counts)),
            log=True,
        ),
        Axis("training papers", log_ticks(most), end=_above(most), log=True),
        f"Papers of each label, most frequent first: {told}.",
    )


def _epochs(epochs: Sequence[Facts], keys: Sequence[tuple[str, str]], label: str) -> Chart:
    lines = [
        Series(
            name,
            [(each["epoch"], each[key]) for each in epochs if key in each],
            style,
            dots=len(epochs) <= _DOTTED,
        )
        for style, (name, key) in enumerate(keys)
    ]
    values = [value for line in lines for _, value in line.points] or [0.0]
    last = epochs[-1]["epoch"]
    told = "; ".join(
        f"{line.name} {line.points[0][1]:.4f} after the first and {line.points[-1][1]:.4f} after "
        "the last"
        for line in lines
        if line.points
    )
    return _chart(
        lines,
        Axis("epoch", _epoch_ticks(last)),
        Axis(label, linear_ticks(min(values), max(values))),
        f"{label} by epoch, {last} epochs: {told}.",
    )


def _above(most: float) -> float:
    """Returns where a logarithmic axis ends that holds this value."""
    return max(1.2 * most, 2.0)


def _epoch_ticks(last: int) -> tuple[float, ...]:
    """Returns whole numbers from the first epoch, or just before a lonely one, to the last."""
    if last == 1:
        return (0.0, 1.0, 2.0)
    step = max(1, round(last / 8))
    return tuple(float(epoch) for epoch in chain(range(1, last, step), [last]))


def _chart(
    lines: Sequence[Series],
    x: Axis,
    y: Axis,
    description: str,
    *,
    mark: Mark | None = None,
    diagonal: bool = False,
) -> Chart:
    drawing = line_chart(lines, x, y, description, mark=mark, diagonal=diagonal)
    return Chart(drawing, [(line.name, line.style) for line in lines if line.points])
