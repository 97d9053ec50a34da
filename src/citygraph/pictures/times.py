"""Years on a line: from times to places on it, and the marks of its scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

from markupsafe import Markup

from citygraph.pictures.svg import element, path

_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)
_MOST = 12  # labels along a scale
_APART = 44.0  # units from one to the next, at least
_POINT = 2.5 / 365.25  # years: what is shorter is drawn as a point


@dataclass(frozen=True, slots=True)
class Span:
    """When something was, in years: 1996.31 to 1996.31 for a day, 1991.0 to 1992.0 where the year alone is known."""

    start: float
    end: float

    @property
    def is_point(self) -> bool:
        """Whether the day is known."""
        return self.end - self.start <= _POINT

    @property
    def middle(self) -> float:
        """Halfway."""
        return (self.start + self.end) / 2


@dataclass(frozen=True, slots=True)
class Scale:
    """Years from `first` to `last` on a line from `left`, `width` units long."""

    first: float
    last: float
    left: float
    width: float

    def x(self, year: float) -> float:
        """Where a time stands."""
        return self.left + self.width * (year - self.first) / (self.last - self.first)

    def ticks(self) -> Iterator[int]:
        """The years that are written along it."""
        years = self.last - self.first
        room = min(_MOST, self.width / _APART)
        step = next((s for s in _STEPS if years / s <= room), _STEPS[-1])
        yield from range(ceil(self.first / step) * step, floor(self.last) + 1, step)

    def grid(self, top: float, bottom: float) -> Iterator[Markup]:
        """Hairlines at the ticks, with their years below."""
        for year in self.ticks():
            x = self.x(year)
            yield element("path", class_="tick", d=path([(x, top), (x, bottom)]))
            yield element("text", str(year), class_="year", x=x, y=bottom + 16, text_anchor="middle")


def scale(times: list[float], left: float, width: float) -> Scale:
    """The scale that holds all times with a little air, at least two years. Raises ValueError for no times."""
    if not times:
        raise ValueError("no times, no scale")
    first, last = min(times), max(times)
    air = max(0.5, (last - first) * 0.03)
    return Scale(first - air, last + air, left, width)
