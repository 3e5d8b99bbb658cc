"""Line charts as SVG, for the page of a report (its colours, light or dark) or a file of their own.

A file shows the same drawing with a title and a legend, in the colours of a light page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import jinja2
from markupsafe import Markup

# The drawing's own units. Narrow, so that text stays readable when shrunk to a phone's width.
_WIDTH: Final = 440
_HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, _WIDTH - 14, 12, _HEIGHT - 58

# A page may set the variables; the colours are those of a light page.
STYLE: Final = """\
.chart text { fill: var(--muted, #525e6d); font-size: 12.5px; }
.chart .label, .chart .note { fill: var(--text, #18212d); }
.chart .grid { stroke: var(--faint, #dde3ea); }
.chart .axis { stroke: var(--line, #8390a0); }
.chart .mark { stroke: var(--text, #18212d); stroke-dasharray: 3 3; }
.chart .diagonal { stroke: var(--line, #8390a0); stroke-dasharray: 2 5; }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; }
.line.s0 { stroke: var(--s0, #1d5bb8); }
.line.s1 { stroke: var(--s1, #b4540a); stroke-dasharray: 7 4; }
.line.s2 { stroke: var(--s2, #6d3fb0); stroke-dasharray: 2 3; }
.line.s3 { stroke: var(--s3, #0f766e); stroke-dasharray: 9 3 2 3; }
.dot { stroke: var(--card, #fff); }
.chart .count { stroke: var(--card, #fff); stroke-width: 4; paint-order: stroke; }
.span { fill: none; stroke: var(--line, #8390a0); stroke-width: 1.5; }
.dot.s0 { fill: var(--s0, #1d5bb8); } .dot.s1 { fill: var(--s1, #b4540a); }
.dot.s2 { fill: var(--s2, #6d3fb0); } .dot.s3 { fill: var(--s3, #0f766e); }
"""

_JINJA: Final = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)

_DRAWING: Final = _JINJA.from_string(
    """\
<svg class="chart" viewBox="0 0 {{ width }} {{ height }}" width="{{ width }}" \
height="{{ height }}" role="img" aria-label="{{ description }}" xmlns="http://www.w3.org/2000/svg">
{%- for tick in y.ticks %}
<line class="grid" x1="{{ left }}" x2="{{ right }}" y1="{{ up(tick) }}" y2="{{ up(tick) }}"/>
<text class="tick" x="{{ left - 8 }}" y="{{ up(tick) + 4.5 }}" \
text-anchor="end">{{ y.tick_text(tick) }}</text>
{%- endfor %}
{%- for tick in x.ticks %}
<line class="axis" x1="{{ over(tick) }}" x2="{{ over(tick) }}" \
y1="{{ bottom }}" y2="{{ bottom + 5 }}"/>
<text class="tick" x="{{ over(tick) }}" y="{{ bottom + 24 }}" \
text-anchor="middle">{{ x.tick_text(tick) }}</text>
{%- endfor %}
<line class="axis" x1="{{ left }}" x2="{{ right }}" y1="{{ bottom }}" y2="{{ bottom }}"/>
<text class="label" x="{{ (left + right) / 2 }}" y="{{ height - 6 }}" \
text-anchor="middle">{{ x.label }}</text>
<text class="label" transform="translate(15 {{ (top + bottom) / 2 }}) rotate(-90)" \
text-anchor="middle">{{ y.label }}</text>
{%- if diagonal %}
<line class="diagonal" x1="{{ left }}" x2="{{ right }}" y1="{{ bottom }}" y2="{{ top }}"/>
{%- endif %}
{%- if mark %}{% set at, side = over(mark[0]), -1 if over(mark[0]) > width / 2 else 1 %}
<line class="mark" x1="{{ at }}" x2="{{ at }}" y1="{{ top }}" y2="{{ bottom }}"/>
<text class="note" x="{{ at + 6 * side }}" y="{{ top + 12 }}" \
text-anchor="{{ 'start' if side > 0 else 'end' }}">{{ mark[1] }}</text>
{%- endif %}
{%- for line in lines if line.points %}
<path class="line s{{ line.style }}" \
d="{% for px, py in line.points %}{{ 'M' if loop.first else ' L' }}{{ over(px) }} {{ up(py) }}\
{% endfor %}"/>
{%- for low, high, count, place in line.spans %}\
{% set at, above = over(line.points[loop.index0][0]), low + high <= 1 %}
<path class="span" d="M{{ at - 4 }} {{ up(low) }}h8m-4 0V{{ up(high) }}m-4 0h8"/>
<text class="count" transform="translate({{ over(place) + 4 }} \
{{ up(high) - 6 if above else up(low) + 6 }}) rotate(-90)" \
text-anchor="{{ 'start' if above else 'end' }}">{{ '{:,}'.format(count) }}</text>
{%- endfor %}
{%- for px, py in line.points if line.dots %}
<circle class="dot s{{ line.style }}" cx="{{ over(px) }}" cy="{{ up(py) }}" r="4">\
<title>{{ line.name }}: {{ '%.4g, %.4g' % (px, py) }}</title></circle>
{%- endfor %}
{%- endfor %}
</svg>"""
)

_FILE: Final = _JINJA.from_string(
    """\
<svg viewBox="0 0 {{ width }} {{ height + 70 }}" width="{{ 2 * width }}" \
font-family="system-ui, sans-serif" xmlns="http://www.w3.org/2000/svg">
<style>{{ style }}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{{ left }}" y="26" font-size="17" font-weight="600" fill="#18212d">{{ title }}</text>
{%- for line in lines %}{% set at = left + 120 * loop.index0 %}
<path class="line s{{ line.style }}" d="M{{ at }} 48h30"/>
<text x="{{ at + 38 }}" y="52" font-size="12.5" fill="#18212d">{{ line.name }}</text>
{%- endfor %}
<g transform="translate(0 62)">{{ chart }}</g>
</svg>
"""
)


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        label: What it shows.
        ticks: Where a value is written, rising, at least one; the axis begins at the first.
        end: Where the axis ends, above the first tick; None for the last tick.
        log: Whether the scale is logarithmic; all ticks are positive then.
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
        """Returns a value's place, from 0 at the start of the axis to 1 at its end."""
        scale: Callable[[float], float] = math.log if self.log else float
        low, high = scale(self.ticks[0]), scale(self.high)
        return min(max((scale(max(value, self.ticks[0])) - low) / (high - low), 0.0), 1.0)

    def tick_text(self, value: float) -> str:
        """Returns a tick as it is written, all with the same number of decimals."""
        for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if self.high >= 10_000 and abs(value) >= size:
                return f"{value / size:g} {unit}"
        decimals = max(len(f"{tick:.6g}".partition(".")[2]) for tick in self.ticks)
        return f"{value:,.{min(decimals, 4)}f}"


@dataclass(frozen=True)
class Line:
    """A line.

    Attributes:
        name: Its name in the legend.
        points: x and y of each point, in the order in which they are joined.
        style: Its colour and dash pattern, from 0 to 3.
        dots: Whether each point is marked, with its values on hover.
        spans: For each point its interval of y (low, high), on an axis from 0 to 1; the count
            behind it, and the x at which that is written. Empty for none.
    """

    name: str
    points: Sequence[tuple[float, float]]
    style: int
    dots: bool = False
    spans: Sequence[tuple[float, float, int, float]] = ()


def draw_lines(
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    description: str,
    *,
    mark: tuple[float, str] | None = None,
    diagonal: bool = False,
) -> Markup:
    """Draws lines, without a legend.

    Args:
        lines: The lines; those without points are left out.
        x: The horizontal axis.
        y: The vertical axis.
        description: For people who can't see the chart.
        mark: A value of x to mark with a vertical line, and its caption.
        diagonal: Whether to draw the line from corner to corner for comparison.

    Returns:
        An `svg` element for a page whose style sheet holds STYLE. All text is escaped.
    """
    drawing = _DRAWING.render(
        lines=lines, x=x, y=y, description=description, mark=mark, diagonal=diagonal,
        width=_WIDTH, height=_HEIGHT, left=_LEFT, right=_RIGHT, top=_TOP, bottom=_BOTTOM,
        over=lambda value: round(_LEFT + x.place(value) * (_RIGHT - _LEFT), 1),
        up=lambda value: round(_BOTTOM - y.place(value) * (_BOTTOM - _TOP), 1),
    )  # fmt: skip
    return Markup(drawing)


def chart_file(title: str, lines: Sequence[Line], chart: Markup) -> str:
    """Returns an SVG file with a title, the legend of the lines and a chart of them."""
    return _FILE.render(
        title=title, lines=lines, chart=chart, style=Markup(STYLE),
        width=_WIDTH, height=_HEIGHT, left=_LEFT,
    )  # fmt: skip


def share_axis(label: str) -> Axis:
    """Returns an axis from 0 to 1."""
    return Axis(label, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))


def log_axis(label: str, high: float) -> Axis:
    """Returns a logarithmic axis from 1 to a bit above the highest value, with powers of ten."""
    powers = math.floor(math.log10(max(high, 1.0)) + 1e-9)
    ticks = tuple(10.0**power for power in range(powers + 1))
    return Axis(label, ticks, end=max(1.2 * high, 2.0), log=True)


def linear_axis(label: str, low: float, high: float) -> Axis:
    """Returns an axis with about five round ticks, from at most low to at least high."""
    if not high > low:
        room = abs(high) * 0.1 or 1.0
        low, high = low - room, high + room
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(label, tuple(round(number * step, 12) for number in range(first, last + 1)))


def epoch_axis(last: int) -> Axis:
    """Returns an axis with whole numbers from the first epoch to the last."""
    if last == 1:
        return Axis("epoch", (0.0, 1.0, 2.0))
    step = max(1, round(last / 8))
    return Axis("epoch", tuple(float(epoch) for epoch in (*range(1, last, step), last)))
