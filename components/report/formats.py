"""How the page writes numbers, times and names: the filters of its templates."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from components.metrics.names import METRICS
from components.report import captions

_NONE: Final = "\N{EN DASH}"
# From which share on a cell of a heat map has each shade, from the lightest to the darkest.
_SHADES: Final = (0.01, 0.05, 0.1, 0.25, 0.5)


def _figure(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _digits(value: float | None, digits: int) -> str:
    return _NONE if value is None else f"{value:,.{digits}f}"


def _signed(value: float, digits: int) -> str:
    # A true minus sign, as wide as the plus.
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _percent(value: float, digits: int = 0) -> str:
    return f"{100 * value:.{digits}f}%"


def _probability(value: float) -> str:
    """Returns a percentage that never reads as certain."""
    if value < 0.005:
        return "< 1%"
    return "> 99%" if value >= 0.995 else _percent(value)


def meaning_of(metric: str) -> str:
    """Returns what a metric means, and whether lower is better."""
    meaning = METRICS[metric].meaning
    return f"{meaning}; lower is better" if METRICS[metric].higher_is_better is False else meaning


FILTERS: Final = {
    "shade": lambda share: sum(share >= least for least in _SHADES),
    "figure": _figure,
    "digits": _digits,
    "metric_value": lambda value, metric: format(value, METRICS[metric].format),
    "small": lambda value: f"{value:.2g}",
    "signed": _signed,
    "percent": _percent,
    "probability": _probability,
    "count": lambda value: f"{value:,.0f}",
    "day": lambda value: f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M %Z}",
    "title_of": lambda metric: METRICS[metric].title,
    "meaning_of": meaning_of,
    "baseline_title": captions.baseline_title,
    "baseline_meaning": captions.baseline_meaning,
    "split_title": captions.SPLITS.__getitem__,
    "slice_title": captions.SLICES.__getitem__,
}
