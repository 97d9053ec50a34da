"""The projection of the atlas: azimuthal, its centre anywhere, the square root of distance as radius."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import acos, asin, atan2, ceil, cos, degrees, hypot, pi, radians, sin, sqrt, tau
from typing import NamedTuple

from citygraph.earth import EARTH_RADIUS

_STEP = radians(2)  # edges are densified to this
_ARC = radians(4)  # and what runs along the rim to this
# Open sea, as longitude and latitude in radians: of these the one nearest to the centre tells land from water.
_SEA = tuple((radians(x), radians(y)) for x, y in ((-30, 0), (75, -15), (-130, 0), (-150, -45), (-40, 40), (160, 30)))
_TINY = 1e-12
_MERGE = 0.8  # units of the drawing: points nearer than this are one

XY = tuple[float, float]
Ring = tuple[XY, ...]  # longitude and latitude, in degrees


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


class _Position(NamedTuple):
    """A place as its bearings are reckoned: longitude in radians, sine and cosine of the latitude."""

    longitude: float
    sin_latitude: float
    cos_latitude: float

    @classmethod
    def of(cls, longitude: float, latitude: float) -> _Position:
        return cls(longitude, sin(latitude), cos(latitude))


@dataclass(frozen=True)
class Azimuthal:
    """Bearings from `centre` are true; `reach` kilometres are `radius` units of the drawing, a quarter of them half.

    Every great circle through the centre is a straight line.
    """

    centre: Point
    reach: float
    radius: float

    def place(self, point: Point) -> XY:
        """Where a place stands: x to the right, y downwards, from the centre."""
        distance, bearing = self.polar(point)
        r = self.at(distance)
        return r * sin(bearing), -r * cos(bearing)

    def polar(self, point: Point) -> tuple[float, float]:
        """Distance in kilometres, and bearing in radians clockwise from north."""
        angle, bearing = _polar(self.centre, [_Position.of(radians(point.longitude), radians(point.latitude))])[0]
        return angle * EARTH_RADIUS, bearing

    def at(self, distance: float) -> float:
        """The radius at which a distance in kilometres is drawn."""
        return self.radius * sqrt(max(0.0, distance) / self.reach)

    def outlines(self, rings: Iterable[Ring]) -> Iterator[list[XY]]:
        """Rings as the drawing has them, cut at the reach: what goes on beyond runs along the rim.

        To be filled by the even-odd rule. A ring that has the point opposite to the centre on its land side comes out
        inside out: then the rim itself is a ring too.
        """
        polar, is_inside_out = _seen_from(self.centre, tuple(rings))
        for ring in polar:
            cut = list(self._cut(ring))
            if len(cut) > 2:
                yield cut
        if is_inside_out:
            yield [(self.radius * sin(i * _ARC), -self.radius * cos(i * _ARC)) for i in range(ceil(tau / _ARC))]

    def _cut(self, polar: Sequence[tuple[float, float]]) -> Iterator[XY]:
        limit = self.reach / EARTH_RADIUS
        if all(angle > limit for angle, _ in polar) and abs(sum(_turns(polar))) < pi:
            return
        last: XY | None = None
        before = polar[-1]
        for angle, bearing in polar:
            if angle > limit and before[0] > limit:
                yield from self._along_the_rim(before[1], bearing)
            r = self.radius * sqrt(min(angle, limit) / limit)
            here = r * sin(bearing), -r * cos(bearing)
            if last is None or hypot(here[0] - last[0], here[1] - last[1]) > _MERGE:
                yield here
                last = here
            before = angle, bearing

    def _along_the_rim(self, start: float, end: float) -> Iterator[XY]:
        turn = _turn(start, end)
        steps = ceil(abs(turn) / _ARC)
        for step in range(1, steps):
            bearing = start + turn * step / steps
            yield self.radius * sin(bearing), -self.radius * cos(bearing)


# A page has maps of several extents about one place, and several languages.
@lru_cache(16)
def _seen_from(centre: Point, rings: tuple[Ring, ...]) -> tuple[list[list[XY]], bool]:
    """Rings as angular distance and bearing, in radians; and whether the sea is within them."""
    polar = [_polar(centre, ring) for ring in _positions(rings)]
    sea = min(_polar(centre, [_Position.of(*place) for place in _SEA]))
    return polar, bool(sum(_is_inside(sea, ring) for ring in polar) % 2)


@lru_cache(2)
def _positions(rings: tuple[Ring, ...]) -> list[list[_Position]]:
    return [[_Position.of(radians(x), radians(y)) for x, y in _densified(ring)] for ring in rings]


def _polar(centre: Point, positions: Iterable[_Position]) -> list[XY]:
    """Angular distance and bearing of each position, in radians."""
    sin_phi, cos_phi = sin(radians(centre.latitude)), cos(radians(centre.latitude))
    meridian = radians(centre.longitude)
    found = []
    for longitude, sin_latitude, cos_latitude in positions:
        east, north = sin(longitude - meridian) * cos_latitude, cos(longitude - meridian) * cos_latitude
        x = cos_phi * sin_latitude - sin_phi * north
        found.append((atan2(hypot(x, east), sin_phi * sin_latitude + cos_phi * north), atan2(east, x)))
    return found


def middle(points: Iterable[Point]) -> Point:
    """The middle of places on the sphere. Raises ValueError for none."""
    sums = [0.0, 0.0, 0.0]
    count = 0
    for point in points:
        phi, lambda_ = radians(point.latitude), radians(point.longitude)
        for axis, part in enumerate((cos(phi) * cos(lambda_), cos(phi) * sin(lambda_), sin(phi))):
            sums[axis] += part
        count += 1
    if not count:
        raise ValueError("no places, no middle")
    x, y, z = sums
    return Point(degrees(atan2(z, hypot(x, y))), degrees(atan2(y, x)))


def _turns(polar: Sequence[tuple[float, float]]) -> Iterator[float]:
    """How far each edge of a ring turns about the centre, in radians."""
    for (_, start), (_, end) in zip((polar[-1], *polar), polar, strict=False):
        yield _turn(start, end)


def _turn(start: float, end: float) -> float:
    return (end - start + pi) % tau - pi


def _is_inside(place: tuple[float, float], ring: Sequence[tuple[float, float]]) -> bool:
    """Whether a ring goes round a place, in the plane where the radius is the angular distance."""
    x, y = place[0] * sin(place[1]), place[0] * cos(place[1])
    inside = False
    x1, y1 = ring[-1][0] * sin(ring[-1][1]), ring[-1][0] * cos(ring[-1][1])
    for angle, bearing in ring:
        x2, y2 = angle * sin(bearing), angle * cos(bearing)
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
        x1, y1 = x2, y2
    return inside


def _densified(ring: Ring) -> Iterator[tuple[float, float]]:
    """A ring, longitude and latitude in degrees, with points between those that are more than 2° apart."""
    for start, end in zip(ring, (*ring[1:], ring[0]), strict=True):
        yield start
        one, two = _vector(start), _vector(end)
        angle = acos(max(-1.0, min(1.0, sum(a * b for a, b in zip(one, two, strict=True)))))
        steps = ceil(angle / _STEP)
        for step in range(1, steps):
            share = step / steps
            a, b = sin((1 - share) * angle) / max(sin(angle), _TINY), sin(share * angle) / max(sin(angle), _TINY)
            x, y, z = (a * p + b * q for p, q in zip(one, two, strict=True))
            yield degrees(atan2(y, x)), degrees(asin(max(-1.0, min(1.0, z))))


def _vector(position: tuple[float, float]) -> tuple[float, float, float]:
    lambda_, phi = radians(position[0]), radians(position[1])
    return cos(phi) * cos(lambda_), cos(phi) * sin(lambda_), sin(phi)
