"""The drawing: where points stand, what is escaped, and which values an axis shows."""

from __future__ import annotations

import math
import random
import re
from xml.etree import ElementTree

import pytest

from components.report.charts import Axis, Mark, Series, line_chart, linear_ticks, log_ticks

SHARE = Axis("x", (0.0, 0.5, 1.0))
SVG = "{http://www.w3.org/2000/svg}"


def draw(*series: Series, x: Axis = SHARE, y: Axis = SHARE, **options):
    return ElementTree.fromstring(str(line_chart(series, x, y, "words", **options)))


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


def test_points_stand_where_linear_interpolation_puts_them():
    dice = random.Random(1)
    given = [(dice.uniform(-3, 7), dice.uniform(10, 20)) for _ in range(40)]
    x, y = Axis("x", (-3.0, 2.0, 7.0)), Axis("y", (10.0, 15.0, 20.0))
    drawing = draw(Series("one", given, 0), x=x, y=y)
    left, right, top, bottom = corners(drawing)
    (path,) = of_class(drawing, "line")
    for (at, height), (px, py) in zip(points(path), given, strict=True):
        assert at == pytest.approx(left + (px + 3) / 10 * (right - left), abs=0.06)
        assert height == pytest.approx(bottom - (py - 10) / 10 * (bottom - top), abs=0.06)


def test_equal_factors_take_equal_room_on_a_logarithmic_axis():
    axis = Axis("count", (1.0, 10.0, 100.0), end=1000.0, log=True)
    drawing = draw(Series("one", [(0, 1), (0.5, 10), (1, 1000)], 0), y=axis)
    heights = [height for _, height in points(of_class(drawing, "line")[0])]
    bottom, top = heights[0], heights[2]
    assert heights[1] == pytest.approx(bottom + (top - bottom) / 3, abs=0.1)
    # What is not positive has no logarithm, and stands at the start.
    assert axis.place(0.0) == axis.place(-5.0) == 0.0


def test_nothing_leaves_the_axes():
    drawing = draw(Series("one", [(-9.0, -9.0), (9.0, 9.0)], 0))
    left, right, top, bottom = corners(drawing)
    assert points(of_class(drawing, "line")[0]) == [(left, bottom), (right, top)]


def test_each_line_has_its_style_and_dots_their_words():
    drawing = draw(
        Series("first", [(0, 0), (1, 1)], 0), Series("second", [(0, 1), (1, 0)], 3, dots=True)
    )
    assert [line.get("class") for line in of_class(drawing, "line")] == ["line s0", "line s3"]
    dots = of_class(drawing, "dot")
    assert [dot.find(f"{SVG}title").text for dot in dots] == ["second: 0, 1", "second: 1, 0"]
    assert {dot.get("class") for dot in dots} == {"dot s3"}


def test_a_line_without_points_is_left_out():
    assert of_class(draw(Series("none", [], 0)), "line") == []


def test_it_tells_those_who_cannot_see_it():
    drawing = draw()
    assert drawing.get("role") == "img"
    assert drawing.get("aria-label") == "words"


def test_text_is_escaped():
    evil = '<script>alert("x")</script>&'
    axis = Axis(evil, (0.0, 1.0))
    text = str(
        line_chart([Series(evil, [(0, 0)], 0, dots=True)], axis, axis, evil, mark=Mark(0.5, evil))
    )
    assert "<script>" not in text
    drawing = ElementTree.fromstring(text)
    assert drawing.get("aria-label") == evil
    assert evil in {each.text for each in of_class(drawing, "label")}
    assert evil in {each.text for each in of_class(drawing, "note")}


@pytest.mark.parametrize(("x", "anchor"), [(0.1, "start"), (0.9, "end")])
def test_the_words_of_a_mark_stand_on_the_side_with_room(x, anchor):
    drawing = draw(mark=Mark(x, "here"))
    left, right, _, _ = corners(drawing)
    (line,), (note,) = of_class(drawing, "mark"), of_class(drawing, "note")
    assert float(line.get("x1")) == float(line.get("x2"))
    assert float(line.get("x1")) == pytest.approx(left + x * (right - left), abs=0.06)
    assert note.get("text-anchor") == anchor


def test_the_diagonal_goes_from_corner_to_corner():
    drawing = draw(diagonal=True)
    left, right, top, bottom = corners(drawing)
    (line,) = of_class(drawing, "diagonal")
    assert [float(line.get(key)) for key in ("x1", "y1", "x2", "y2")] == [left, bottom, right, top]
    assert of_class(draw(), "diagonal") == []


@pytest.mark.parametrize(
    ("ticks", "log", "shown"),
    [
        ((0.0, 0.5, 1.0), False, ["0.0", "0.5", "1.0"]),
        ((0.0, 0.25, 0.5), False, ["0.00", "0.25", "0.50"]),
        ((0.01, 0.015), False, ["0.010", "0.015"]),
        ((1.0, 2.0, 3.0), False, ["1", "2", "3"]),
        ((1.0, 10.0, 1000.0), True, ["1", "10", "1,000"]),
        ((1.0, 1e3, 1e4, 1e6, 1e9), True, ["1", "1 k", "10 k", "1 M", "1 G"]),
    ],
)
def test_values_on_an_axis_have_the_digits_they_need(ticks, log, shown):
    drawing = draw(y=Axis("y", ticks, log=log))
    found = [each for each in of_class(drawing, "tick") if each.get("text-anchor") == "end"]
    assert [each.text for each in found] == shown


def test_linear_ticks_hold_the_values_and_are_round():
    dice = random.Random(2)
    for _ in range(300):
        low = dice.uniform(-1, 1) * 10 ** dice.randint(-4, 6)
        high = low + dice.random() * 10 ** dice.randint(-4, 6)
        ticks = linear_ticks(low, high)
        step = ticks[1] - ticks[0]
        assert ticks[0] <= low + step * 1e-6
        assert ticks[-1] >= high - step * 1e-6
        # No tick more than needed.
        assert ticks[1] > low - step * 1e-6
        assert ticks[-2] < high + step * 1e-6
        assert 3 <= len(ticks) <= 9
        digits = step / 10 ** math.floor(math.log10(step) + 1e-6)
        assert any(digits == pytest.approx(each, rel=1e-3) for each in (1, 2, 2.5, 5, 10))


@pytest.mark.parametrize("value", [0.0, 0.7, -3.0])
def test_linear_ticks_of_one_value_make_room_around_it(value):
    ticks = linear_ticks(value, value)
    assert ticks[0] < value < ticks[-1]


@pytest.mark.parametrize(
    ("high", "ticks"), [(0, (1,)), (1, (1,)), (9, (1,)), (10, (1, 10)), (1000, (1, 10, 100, 1000))]
)
def test_log_ticks_are_the_powers_of_ten(high, ticks):
    assert log_ticks(high) == ticks
