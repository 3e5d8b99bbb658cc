"""Line charts as inline SVG that takes its colours from the page, light or dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

# The drawing's own units. Narrow, so that text stays readable where it is shrunk to a phone.
_WIDTH: Final = 440
_HEIGHT: Final = 300
_LEFT: Final = 72
_RIGHT: Final = 14
_TOP: Final = 12
_BOTTOM: Final = 58

# How many series the style sheet has a colour and a dash pattern for.
STYLES: Final = 5


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        label: What it shows.
        ticks: Where a value is written, rising, at least one; the axis begins at the first.
        end: Where the axis ends, above the first tick; at the last tick where None.
        log: Whether equal factors take equal room; all ticks are positive then.
    """

    label: str
    ticks: tuple[float, ...]
    end: float | None = None
    log: bool = False

    @property
    def high(self) -> float:
        """Where the axis ends."""
        return self.ticks[-1] if self.end is None else self.end

    def place(self, value: float) -> float:
        """Returns where a value stands, 0 at the axis's start and 1 at its end, never outside."""
        scale: Callable[[float], float] = math.log if self.log else float
        start = self.ticks[0]
        low, high = scale(start), scale(self.high)
        return min(max((scale(max(value, start)) - low) / (high - low), 0.0), 1.0)


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        name: What the legend calls it.
        points: x and y of each point, in the order in which they are joined.
        style: Which colour and dash pattern it has, from 0 below `STYLES`.
        dots: Whether each point is marked; its text on hover tells x and y.
    """

    name: str
    points: Sequence[tuple[float, float]]
    style: int
    dots: bool = False


@dataclass(frozen=True)
class Mark:
    """A vertical line at a value of x that stands out, with a few words."""

    x: float
    words: str


def line_chart(
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    description: str,
    *,
    mark: Mark | None = None,
    diagonal: bool = False,
) -> Markup:
    """Draws lines.

    Args:
        series: The lines; one without points is left out.
        x: The horizontal axis.
        y: The vertical axis.
        description: What a person who can't see the chart is told.
        mark: A value of x that stands out.
        diagonal: Whether the line from corner to corner is drawn, for comparison.

    Returns:
        An `svg` element. Its classes are the page's style sheet's; all text is escaped.
    """
    parts = [
        Markup(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" '
            'xmlns="http://www.w3.org/2000/svg">'
        ).format(_WIDTH, _HEIGHT, description),
        *_axes(x, y),
    ]
    if diagonal:
        start, end = _at(x, y, x.ticks[0], y.ticks[0]), _at(x, y, x.high, y.high)
        parts.append(_line("diagonal", *start, *end))
    if mark is not None:
        parts.extend(_mark(mark, x, y))
    for each in series:
        parts.extend(_series(each, x, y))
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def linear_ticks(low: float, high: float, about: int = 5) -> tuple[float, ...]:
    """Returns round values, evenly spaced, from at or below `low` to at or above `high`.

    Args:
        low: The smallest value.
        high: The largest.
        about: How many steps there should be, more or less.
    """
    if not high > low:
        room = abs(high) * 0.1 or 1.0
        low, high = low - room, high + room
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return tuple(round(number * step, 12) for number in range(first, last + 1))


def log_ticks(high: float) -> tuple[float, ...]:
    """Returns 1, 10, 100 … up to the last power of ten at or below `high`."""
    powers = math.floor(math.log10(max(high, 1.0)) + 1e-9)
    return tuple(10.0**power for power in range(powers + 1))


def _axes(x: Axis, y: Axis) -> list[Markup]:
    parts = []
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in y.ticks:
        _, at = _at(x, y, x.ticks[0], tick)
        parts.append(_line("grid", _LEFT, at, right, at))
        parts.append(_text("tick", _LEFT - 8, at + 4.5, _tick(tick, y), "end"))
    for tick in x.ticks:
        at, _ = _at(x, y, tick, y.ticks[0])
        parts.append(_line("axis", at, bottom, at, bottom + 5))
        parts.append(_text("tick", at, bottom + 24, _tick(tick, x), "middle"))
    parts.append(_line("axis", _LEFT, bottom, right, bottom))
    parts.append(_text("label", (_LEFT + right) / 2, _HEIGHT - 6, x.label, "middle"))
    middle = (_TOP + bottom) / 2
    parts.append(
        Markup(
            '<text class="label" text-anchor="middle" '
            'transform="translate(15 {}) rotate(-90)">{}</text>'
        ).format(f"{middle:g}", y.label)
    )
    return parts


def _series(series: Series, x: Axis, y: Axis) -> list[Markup]:
    if not series.points:
        return []
    at = [_at(x, y, *point) for point in series.points]
    path = " ".join(f"{'L' if number else 'M'}{a:g} {b:g}" for number, (a, b) in enumerate(at))
    style = series.style % STYLES
    parts = [Markup('<path class="line s{}" d="{}"/>').format(style, path)]
    if series.dots:
        parts.extend(
            Markup(
                '<circle class="dot s{}" cx="{}" cy="{}" r="4"><title>{}</title></circle>'
            ).format(style, f"{a:g}", f"{b:g}", f"{series.name}: {px:.4g}, {py:.4g}")
            for (a, b), (px, py) in zip(at, series.points, strict=True)
        )
    return parts


def _mark(mark: Mark, x: Axis, y: Axis) -> list[Markup]:
    at, _ = _at(x, y, mark.x, y.ticks[0])
    is_right = at > (_LEFT + _WIDTH) / 2
    return [
        _line("mark", at, _TOP, at, _HEIGHT - _BOTTOM),
        _text("note", at + (-6 if is_right else 6), _TOP + 12, mark.words, _side(is_right)),
    ]


def _side(is_right: bool) -> str:
    return "end" if is_right else "start"


def _at(x: Axis, y: Axis, px: float, py: float) -> tuple[float, float]:
    """Returns where a point stands in the drawing, to a tenth of a unit."""
    across, up = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    return round(_LEFT + x.place(px) * across, 1), round(_TOP + (1 - y.place(py)) * up, 1)


def _tick(value: float, axis: Axis) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if axis.high >= 10_000 and abs(value) >= size:
            return f"{value / size:g} {unit}"
    # As many digits as the steps need, and the same for each.
    digits = max(len(f"{tick:.6g}".partition(".")[2]) for tick in axis.ticks)
    return f"{value:,.{min(digits, 4)}f}"


def _line(css: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        css, f"{x1:g}", f"{y1:g}", f"{x2:g}", f"{y2:g}"
    )


def _text(css: str, x: float, y: float, words: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        css, f"{x:g}", f"{y:g}", anchor, escape(words)
    )
