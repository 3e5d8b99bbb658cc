"""The drawing: where points are, what is escaped, and which values an axis shows."""

from __future__ import annotations

import math
import random
import re
from xml.etree import ElementTree

import pytest

from components.metrics.charts import (
    Axis,
    Line,
    chart_file,
    draw_lines,
    epoch_axis,
    linear_axis,
    log_axis,
    share_axis,
)

SVG = "{http://www.w3.org/2000/svg}"


def draw(*lines: Line, x: Axis | None = None, y: Axis | None = None, **options):
    share = share_axis("x")
    return ElementTree.fromstring(draw_lines(lines, x or share, y or share, "about", **options))


def of_class(drawing, css: str) -> list[ElementTree.Element]:
    return [each for each in drawing.iter() if css in each.get("class", "").split()]


def points(path: ElementTree.Element) -> list[tuple[float, float]]:
    return [
        tuple(map(float, pair)) for pair in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path.get("d"))
    ]


def corners(drawing) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of the axes, from the lines of the grid."""
    grid = of_class(drawing, "grid")
    heights = [float(line.get("y1")) for line in grid]
    return float(grid[0].get("x1")), float(grid[0].get("x2")), min(heights), max(heights)


def test_points_are_where_linear_interpolation_puts_them_and_never_outside():
    dice = random.Random(1)
    given = [(dice.uniform(-3, 7), dice.uniform(10, 20)) for _ in range(40)]
    x, y = Axis("x", (-3.0, 2.0, 7.0)), Axis("y", (10.0, 15.0, 20.0))
    drawing = draw(Line("one", [*given, (-99, -99)], 0), x=x, y=y)
    left, right, top, bottom = corners(drawing)
    *found, outside = points(of_class(drawing, "line")[0])
    for (at, height), (px, py) in zip(found, given, strict=True):
        assert at == pytest.approx(left + (px + 3) / 10 * (right - left), abs=0.06)
        assert height == pytest.approx(bottom - (py - 10) / 10 * (bottom - top), abs=0.06)
    assert outside == (left, bottom)


def test_equal_factors_take_equal_room_on_a_logarithmic_axis():
    axis = Axis("count", (1.0, 10.0, 100.0), end=1000.0, log=True)
    drawing = draw(Line("one", [(0, 1), (0.5, 10), (1, 1000)], 0), y=axis)
    bottom, middle, top = (height for _, height in points(of_class(drawing, "line")[0]))
    assert middle == pytest.approx(bottom + (top - bottom) / 3, abs=0.1)
    # What is not positive has no logarithm, and stands at the start.
    assert axis.place(0.0) == axis.place(-5.0) == 0.0


def test_lines_have_their_style_and_dots_show_their_values():
    drawing = draw(
        Line("first", [(0, 0), (1, 1)], 0),
        Line("none", [], 1),
        Line("second", [(0, 1), (1, 0)], 3, dots=True),
    )
    assert [line.get("class") for line in of_class(drawing, "line")] == ["line s0", "line s3"]
    dots = of_class(drawing, "dot")
    assert [dot.find(f"{SVG}title").text for dot in dots] == ["second: 0, 1", "second: 1, 0"]
    assert {dot.get("class") for dot in dots} == {"dot s3"}


def test_text_is_escaped_and_the_drawing_described():
    evil = '<script>alert("x")</script>&'
    axis = Axis(evil, (0.0, 1.0))
    line = Line(evil, [(0, 0)], 0, dots=True)
    text = draw_lines([line], axis, axis, evil, mark=(0.5, evil))
    assert "<script>" not in chart_file(evil, [line], text)
    drawing = ElementTree.fromstring(text)
    assert (drawing.get("role"), drawing.get("aria-label")) == ("img", evil)
    assert evil in {each.text for each in of_class(drawing, "label")}
    assert evil in {each.text for each in of_class(drawing, "note")}


@pytest.mark.parametrize(("x", "anchor"), [(0.1, "start"), (0.9, "end")])
def test_the_caption_of_a_mark_is_on_the_side_with_room(x, anchor):
    drawing = draw(mark=(x, "here"), diagonal=True)
    left, right, top, bottom = corners(drawing)
    (line,), (note,), (diagonal,) = (of_class(drawing, c) for c in ("mark", "note", "diagonal"))
    assert float(line.get("x1")) == float(line.get("x2"))
    assert float(line.get("x1")) == pytest.approx(left + x * (right - left), abs=0.06)
    assert note.get("text-anchor") == anchor
    ends = [float(diagonal.get(key)) for key in ("x1", "y1", "x2", "y2")]
    assert ends == [left, bottom, right, top]


@pytest.mark.parametrize(
    ("ticks", "log", "shown"),
    [
        ((0.0, 0.5, 1.0), False, ["0.0", "0.5", "1.0"]),
        ((0.0, 0.25, 0.5), False, ["0.00", "0.25", "0.50"]),
        ((0.01, 0.015), False, ["0.010", "0.015"]),
        ((1.0, 10.0, 1000.0), True, ["1", "10", "1,000"]),
        ((1.0, 1e3, 1e4, 1e6, 1e9), True, ["1", "1 k", "10 k", "1 M", "1 G"]),
    ],
)
def test_values_on_an_axis_have_the_digits_they_need(ticks, log, shown):
    drawing = draw(y=Axis("y", ticks, log=log))
    found = [each for each in of_class(drawing, "tick") if each.get("text-anchor") == "end"]
    assert [each.text for each in found] == shown


def test_linear_axes_hold_the_values_and_have_round_ticks():
    dice = random.Random(2)
    for _ in range(300):
        low = dice.uniform(-1, 1) * 10 ** dice.randint(-4, 6)
        high = low + dice.random() * 10 ** dice.randint(-4, 6)
        ticks = linear_axis("y", low, high).ticks
        step = ticks[1] - ticks[0]
        # No tick more than needed.
        assert ticks[0] - step * 1e-6 <= low + step * 2e-6 < ticks[1] + step * 3e-6
        assert ticks[-2] - step * 1e-6 < high <= ticks[-1] + step * 1e-6
        assert 3 <= len(ticks) <= 9
        digits = step / 10 ** math.floor(math.log10(step) + 1e-6)
        assert any(digits == pytest.approx(each, rel=1e-3) for each in (1, 2, 2.5, 5, 10))
    for value in (0.0, 0.7, -3.0):
        ticks = linear_axis("y", value, value).ticks
        assert ticks[0] < value < ticks[-1]


@pytest.mark.parametrize(
    ("high", "ticks"), [(0, (1,)), (1, (1,)), (9, (1,)), (10, (1, 10)), (1000, (1, 10, 100, 1000))]
)
def test_logarithmic_axes_have_the_powers_of_ten(high, ticks):
    axis = log_axis("y", high)
    assert axis.ticks == ticks
    assert axis.high > high


@pytest.mark.parametrize("last", [1, 2, 20, 100])
def test_epochs_are_whole_numbers_up_to_the_last(last):
    ticks = epoch_axis(last).ticks
    assert list(ticks) == sorted(set(ticks))
    assert all(tick.is_integer() for tick in ticks)
    assert last in ticks
    assert len(ticks) <= 14
