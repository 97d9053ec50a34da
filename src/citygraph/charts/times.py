"""Time scales and time strips: from years to positions on a line, and one row of the table of acts and protocols."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor
from typing import NamedTuple

from markupsafe import Markup

from citygraph.charts.svg import box, circle, element, label, line, short
from citygraph.text import trusted

_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)
_MOST = 12  # labels along a scale
_APART = 44.0  # units between two labels, at least
_POINT = 2.5 / 365.25  # years: shorter spans are drawn as a point


class Span(NamedTuple):
    """A period in years: 1996.31 to 1996.31 for a day, 1991.0 to 1992.0 where only the year is known."""

    start: float
    end: float

    @property
    def is_point(self) -> bool:
        """Whether the day is known."""
        return self.end - self.start <= _POINT

    @property
    def middle(self) -> float:
        """The time halfway between start and end."""
        return (self.start + self.end) / 2


class Scale(NamedTuple):
    """A linear scale: years from `first` to `last` on a line from `left`, `width` units long."""

    first: float
    last: float
    left: float
    width: float

    def x(self, year: float) -> float:
        """Returns the position of a time."""
        return self.left + self.width * (year - self.first) / (self.last - self.first)

    def ticks(self) -> Iterator[int]:
        """Yields the labelled years."""
        years = self.last - self.first
        room = min(_MOST, self.width / _APART)
        step = next((s for s in _STEPS if years / s <= room), _STEPS[-1])
        yield from range(ceil(self.first / step) * step, floor(self.last) + 1, step)

    def grid(self, top: float, bottom: float) -> Markup:
        """Returns hairlines at the ticks, with their years below."""
        # Written in one piece, because a timeline has dozens of them.
        ticks = "".join(
            [
                f'<path class="tick" d="M{x:.1f} {top:.1f}L{x:.1f} {bottom:.1f}"/>'
                f'<text class="year" x="{x:.1f}" y="{bottom + 16:.1f}" text-anchor="middle">{year}</text>'
                for year, x in [(year, self.x(year)) for year in self.ticks()]
            ]
        )
        return trusted(short(ticks))


def scale(times: list[float], left: float, width: float) -> Scale:
    """Returns a scale of at least two years with room for all times. Raises ValueError without times."""
    if not times:
        raise ValueError("a scale needs at least one time")
    first, last = min(times), max(times)
    air = max(0.5, (last - first) * 0.03)
    return Scale(first - air, last + air, left, width)


_WIDTH, _HEIGHT, _MIDDLE = 200.0, 20.0, 10.0
_EDGE = 6.0


def strip(act: Span | None, protocol: Span | None, years: Scale, ended: bool = False) -> Markup:
    """Returns the dates of one agreement: a tick for the act, a dot for the protocol, and the wait between them.

    Imprecise dates have a width. It is hidden from screen readers, because the row has the dates as text.
    """
    classes = f"picture strip{' ended' if ended else ''}"
    return _drawn(classes, [*_grid(years), *_line(act, protocol, years), *_signs(act, protocol, years)])


def strip_scale(years: Scale) -> Markup:
    """Returns the years above a column of strips."""
    labels = [label("year", years.x(year), 15.0, str(year), anchor="middle") for year in _labelled(years)]
    return _drawn("picture strip", labels)


def strip_years(spans: list[Span]) -> Scale:
    """Returns the scale of a column of strips, in whole decades. Raises ValueError without spans."""
    first, last = min(s.start for s in spans) // 10 * 10, -(-max(s.end for s in spans) // 10) * 10
    # At least one decade: with one date, the scale would have no length.
    return Scale(first, max(last, first + 10), _EDGE, _WIDTH - 2 * _EDGE)


def _drawn(classes: str, content: list[Markup]) -> Markup:
    box = f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"
    return element("svg", *content, class_=classes, viewBox=box, aria_hidden="true", focusable="false")


def _decades(years: Scale) -> range:
    return range(int(years.first), int(years.last) + 1, 10)


def _labelled(years: Scale) -> range:
    """Returns the decades that have room for a label."""
    decades = _decades(years)
    # Five labels fit next to one another in the narrow column.
    return decades[:: -(-len(decades) // 5)]


def _grid(years: Scale) -> Iterator[Markup]:
    for year in _decades(years):
        x = years.x(year)
        yield line("tick", (x, 0.0), (x, _HEIGHT))


def _line(act: Span | None, protocol: Span | None, years: Scale) -> Iterator[Markup]:
    if act and protocol:
        kind = "wait backwards" if protocol.end < act.start else "wait"
        yield line(kind, (years.x(act.middle), _MIDDLE), (years.x(protocol.middle), _MIDDLE))
    elif act:
        yield line("open", (years.x(act.middle), _MIDDLE), (_WIDTH - _EDGE, _MIDDLE))


def _signs(act: Span | None, protocol: Span | None, years: Scale) -> Iterator[Markup]:
    for kind, span in (("act", act), ("protocol", protocol)):
        if span is None:
            continue
        x = years.x(span.middle)
        if not span.is_point:
            # A month would be too narrow to be seen.
            width = max(years.x(span.end) - years.x(span.start), 4.0)
            yield box(f"blur {kind}", x - width / 2, _MIDDLE - 3, width, 6.0)
        elif kind == "act":
            yield box("mark act", x - 0.9, _MIDDLE - 6, 1.8, 12.0)
        else:
            yield circle("mark protocol", x, _MIDDLE, 3.2)
