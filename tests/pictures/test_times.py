"""Life lines and time axes: what is not known has a width, and a gap is a gap."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from citygraph.charts.axis import Bar, Lane, axis
from citygraph.charts.lifeline import Moment, lifeline
from citygraph.charts.svg import Caption, number
from citygraph.charts.times import Span, scale

CAPTION = Caption("Times", "What was when")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str, class_: str) -> list[ET.Element]:
    root = ET.fromstring(str.replace(svg, "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314 - our own
    return [e for e in root.iter() if class_ in (e.get("class") or "").split()]


@given(st.floats(-10_000, 10_000))
@example(-0.04)
@example(0.25)
@example(-12.05)
def test_a_number_of_a_drawing_has_one_decimal_at_most(value: float) -> None:
    """It is the nearest tenth, without a decimal zero, and zero has no sign (16 §7)."""
    assert number(value) == f"{value:.1f}".removesuffix(".0").replace("-0", "0" if abs(value) < 0.05 else "-0")


def day(year: float) -> Span:
    return Span(year, year)


def test_year_alone_is_a_bar_and_a_day_a_mark() -> None:
    """Imprecision has a width, never a false point."""
    svg = lifeline(
        [Moment("act", "Act", day(1986.4)), Moment("protocol", "Protocol", Span(1988, 1989))], CAPTION, 2026.9
    )
    assert len(drawn(svg, "mark")) == 1
    (blur,) = drawn(svg, "blur")
    assert float(blur.get("width", "0")) > 15


def test_protocol_before_its_act_runs_backwards() -> None:
    """It is marked, for it is the exception."""
    moments = [Moment("act", "Act", day(2000.0)), Moment("protocol", "Protocol", day(1993.0))]
    assert drawn(lifeline(moments, CAPTION, 2026.9), "backwards")
    assert not drawn(lifeline([*moments, Moment("end", "End", day(2010.0))], CAPTION, 2026.9), "on")


def test_act_without_protocol_stays_open() -> None:
    """Its line is the open one, and goes on."""
    svg = lifeline([Moment("act", "Act", day(2000.0))], CAPTION, 2026.9)
    assert drawn(svg, "open")
    assert drawn(svg, "on")
    assert not drawn(svg, "force")


def test_gap_between_holders_is_seen() -> None:
    """White with a hairline; where one follows the other there is none."""
    one, two = Bar("A", day(2000.0), day(2004.0)), Bar("B", day(2008.0), None)
    assert len(drawn(axis([Lane("Mayor", (one, two))], CAPTION, 2026.9), "gap")) == 1
    following = Bar("B", day(2004.05), None)
    assert not drawn(axis([Lane("Mayor", (one, following))], CAPTION, 2026.9), "gap")


def test_overlap_takes_two_tracks() -> None:
    """Two who hold an office at once are drawn under one another."""
    lane = Lane("Mayor", (Bar("A", day(2000.0), day(2010.0)), Bar("B", day(2005.0), None)))
    assert len({bar.get("y") for bar in drawn(axis([lane], CAPTION, 2026.9), "bar")}) == 2


def test_scale_has_few_round_years() -> None:
    """At most a dozen years are written, all of one step."""
    years = list(scale([1847.0, 2026.0], 0, 1000).ticks())
    assert len(years) <= 13
    assert len({b - a for a, b in itertools.pairwise(years)}) == 1
    with pytest.raises(ValueError, match="at least one time"):
        scale([], 0, 1)
