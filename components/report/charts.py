"""The charts of the page, drawn from the facts of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final

from markupsafe import Markup

from components.metrics.charts import (
    Axis,
    Line,
    draw_lines,
    epoch_axis,
    linear_axis,
    log_axis,
    share_axis,
)
from components.metrics.names import METRICS
from components.report.captions import baseline_title

Facts = Mapping[str, Any]

# A line with more points has no dots, and its end is thinned.
_DOTTED: Final = 60
_FREQUENCY_POINTS: Final = 300
# Part of an axis that the height of a line of text takes on a phone.
_COUNT_WIDTH: Final = 0.055


@dataclass
class Chart:
    """A drawing and its lines, for the legend.

    Attributes:
        svg: The `svg` element.
        lines: The lines that are drawn.
    """

    svg: Markup
    lines: list[Line]


def quality_charts(report: Facts) -> dict[str, Chart]:
    """Draws the charts of a measured model, by the names that the template uses."""
    return {
        "precision_recall": precision_recall(report["curves"]["precision_recall"]),
        "f1": f1_by_threshold(report["curves"]["f1"], report["model"]["threshold"]),
        "calibration": calibration(report["calibration_suggested"]),
        **training_charts(report["training"]),
    }


def precision_recall(curves: Sequence[Facts]) -> Chart:
    """Draws precision against recall, a line for the model and each baseline."""
    lines = [
        Line(
            f"{baseline_title(curve['name'])} (area {curve['area']:.3f})",
            list(zip(curve["recall"], curve["precision"], strict=True)),
            style,
        )
        for style, curve in enumerate(curves)
        # If all labels of all papers have the same score there is one point, not a curve.
        if len(curve["recall"]) > 1
    ]
    areas = "; ".join(line.name for line in lines)
    return _chart(
        lines,
        share_axis("recall: true labels found"),
        share_axis("precision: correct suggestions"),
        f"Precision against recall over all thresholds: {areas}",
    )


def f1_by_threshold(curve: Facts, threshold: float) -> Chart:
    """Draws micro-F1, precision and recall against the threshold, the model's own marked."""
    lines = [
        Line(title, list(zip(curve["thresholds"], curve[key], strict=True)), style)
        for style, (title, key) in enumerate(
            (("micro-F1", "f1"), ("precision", "precision"), ("recall", "recall"))
        )
    ]
    # Where nothing is suggested there is no precision; the curve has 0 there.
    lines[1] = replace(lines[1], points=[each for each in lines[1].points if each[1]])
    best = max(zip(curve["f1"], curve["thresholds"], strict=True), default=(0.0, 0.0))
    return _chart(
        lines,
        share_axis("threshold"),
        share_axis("value"),
        f"micro-F1, precision and recall against the threshold. The model's threshold is "
        f"{threshold:.3f}; on these papers F1 peaks at {best[1]:.3f} with {best[0]:.3f}.",
        mark=(threshold, f"{threshold:.3f}"),
    )


def calibration(bins: Sequence[Facts]) -> Chart:
    """Draws the share of true labels against the predicted probability, with intervals."""
    shown = [each for each in bins if each["count"]]
    told = ", ".join(
        f"{each['share_true']:.2f} ({each['share_low']:.2f} to {each['share_high']:.2f}) "
        f"of {each['count']:,} at {each['mean_probability']:.2f}"
        for each in shown
    )
    points = [(each["mean_probability"], each["share_true"]) for each in shown]
    # Counts stand at their points, further right where they would touch the one before.
    places = accumulate((x for x, _ in points), lambda last, x: max(x, last + _COUNT_WIDTH))
    spans = [
        (each["share_low"], each["share_high"], each["count"], place)
        for each, place in zip(shown, places, strict=True)
    ]
    return _chart(
        [Line("share that is true", points, 0, dots=True, spans=spans)],
        share_axis("predicted probability"),
        share_axis("share that is true"),
        f"Share of true labels by predicted probability, with intervals: {told}.",
        diagonal=True,
    )


def training_charts(training: Facts) -> dict[str, Chart]:
    """Draws loss and validation metrics per epoch; nothing if there was no epoch."""
    epochs, kept = training["epochs"], training["kept_epoch"]
    if not epochs:
        return {}
    ranking = [(METRICS[name].title, f"val_{name}") for name in ("lrap", "ndcg@5", "micro_f1")]
    losses = [("training", "loss"), ("validation", "val_loss")]
    return {
        "loss": _epochs(epochs, losses, "cross-entropy", kept),
        "ranking": _epochs(epochs, ranking, "validation metric", kept),
    }


def label_frequencies(labels: Sequence[Facts], split: str) -> Chart:
    """Draws the number of papers of each label of a split, most frequent first."""
    counts = sorted((label[split] for label in labels if label[split]), reverse=True)
    step = max(1, len(counts) // _FREQUENCY_POINTS)
    # All frequent labels are kept, rare ones thinned.
    points = [
        (float(rank + 1), float(count))
        for rank, count in enumerate(counts)
        if rank < _DOTTED or (rank - _DOTTED) % step == 0
    ]
    told = "no label"
    if counts:
        told = f"{counts[0]:,} for the first of {len(counts):,} labels, {counts[-1]:,} for the "
        told += f"last, {counts[len(counts) // 2]:,} for the median"
    return _chart(
        [Line("papers", points, 0)],
        log_axis("labels, most frequent first", len(counts)),
        log_axis("training papers", max(counts, default=1)),
        f"Papers per label, most frequent first: {told}.",
    )


def _epochs(
    epochs: Sequence[Facts], keys: Sequence[tuple[str, str]], label: str, kept: int
) -> Chart:
    lines = [
        Line(
            title,
            [(each["epoch"], each[key]) for each in epochs if key in each],
            style,
            dots=len(epochs) <= _DOTTED,
        )
        for style, (title, key) in enumerate(keys)
    ]
    values = [value for line in lines for _, value in line.points] or [0.0]
    last = epochs[-1]["epoch"]
    told = "; ".join(
        f"{line.name} from {line.points[0][1]:.4f} to {line.points[-1][1]:.4f}"
        for line in lines
        if line.points
    )
    return _chart(
        lines,
        epoch_axis(last),
        linear_axis(label, min(values), max(values)),
        f"{label} per epoch, {last} epochs, epoch {kept} kept: {told}.",
        mark=(kept, f"kept epoch ({kept})"),
    )


def _chart(lines: Sequence[Line], x: Axis, y: Axis, description: str, **options: Any) -> Chart:
    drawn = [line for line in lines if line.points]
    return Chart(draw_lines(drawn, x, y, description, **options), drawn)
