"""How the page writes numbers, times and names: the filters of its templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from components.report import words

Facts = Mapping[str, Any]

_NONE: Final = "\N{EN DASH}"


def _figure(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _digits(value: float | None, digits: int) -> str:
    return _NONE if value is None else f"{value:,.{digits}f}"


def _any_figure(value: float, metric: str) -> str:
    return f"{value:,.0f}" if metric == "examples" else f"{value:.4f}"


def _small(value: float) -> str:
    return f"{value:.2g}"


def _signed(value: float) -> str:
    # A true minus sign, as wide as the plus.
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")


def _percent(value: float, digits: int = 0) -> str:
    return f"{100 * value:.{digits}f} %"


def _probability(value: float) -> str:
    """Returns a percentage that never claims to be sure."""
    if value < 0.005:
        return "< 1 %"
    return "> 99 %" if value >= 0.995 else _percent(value)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _day(value: str) -> str:
    return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M %Z}"


def _split_title(split: str) -> str:
    return words.SPLITS.get(split, split)


def _slice_title(name: str) -> str:
    return words.SLICES.get(name, name)


FILTERS: Final = {
    "figure": _figure,
    "digits": _digits,
    "any_figure": _any_figure,
    "small": _small,
    "signed": _signed,
    "percent": _percent,
    "probability": _probability,
    "count": _count,
    "day": _day,
    "title_of": words.metric_title,
    "meaning_of": words.metric_meaning,
    "baseline_title": words.baseline_title,
    "baseline_meaning": words.baseline_meaning,
    "split_title": _split_title,
    "slice_title": _slice_title,
}
