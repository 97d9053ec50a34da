"""The map projection, azimuthal around any centre with the square root of distance as radius, and the outlines of the
land.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import acos, asin, atan2, ceil, cos, degrees, hypot, pi, radians, sin, sqrt, tau
from pathlib import Path
from typing import Any, NamedTuple

from citygraph.geo import EARTH_RADIUS

# Straight edges of outlines are curves in this projection, so that long ones get points in between.
_STEP = radians(2)
_ARC = radians(4)  # the same along the rim
# Points on open sea, longitude and latitude in radians. The one nearest to the centre decides which side is water.
_SEA = tuple((radians(x), radians(y)) for x, y in ((-30, 0), (75, -15), (-130, 0), (-150, -45), (-40, 40), (160, 30)))
_TINY = 1e-12
_MERGE = 0.8  # units of the drawing: points nearer than this are one

XY = tuple[float, float]
Ring = tuple[XY, ...]  # longitude and latitude, in degrees


@dataclass(frozen=True, eq=False)
class Land:
    """The outlines of the land. Compared by identity: a view of thousands of points is looked up by it."""

    rings: tuple[Ring, ...] = ()


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


class _Position(NamedTuple):
    """A place prepared for computing bearings: longitude in radians, sine and cosine of the latitude."""

    longitude: float
    sin_latitude: float
    cos_latitude: float

    @classmethod
    def of(cls, longitude: float, latitude: float) -> _Position:
        return cls(longitude, sin(latitude), cos(latitude))


@dataclass(frozen=True)
class Azimuthal:
    """An azimuthal projection: bearings from `centre` are true, and great circles through it are straight lines.

    `reach` kilometres are `radius` units of the drawing; a quarter of that distance is half the radius.
    """

    centre: GeoPoint
    reach: float
    radius: float

    def place(self, point: GeoPoint) -> XY:
        """Returns the position of a place relative to the centre: x to the right, y downwards."""
        distance, bearing = self.polar(point)
        r = self.at(distance)
        return r * sin(bearing), -r * cos(bearing)

    def polar(self, point: GeoPoint) -> tuple[float, float]:
        """Returns distance in kilometres, and bearing in radians clockwise from north."""
        angle, bearing = _polar(self.centre, [_Position.of(radians(point.longitude), radians(point.latitude))])[0]
        return angle * EARTH_RADIUS, bearing

    def at(self, distance: float) -> float:
        """Returns the radius at which a distance in kilometres is drawn."""
        return self.radius * sqrt(max(0.0, distance) / self.reach)

    def outlines(self, land: Land) -> Iterator[list[XY]]:
        """Yields the outlines in the units of the drawing, cut at the reach: parts beyond it run along the rim.

        They must be filled by the even-odd rule. A ring with the antipode of the centre on its land side comes out
        inverted; then the rim itself is added as a ring.
        """
        polar, is_inside_out = _seen_from(self.centre, land)
        for ring in polar:
            cut = list(self._cut(ring))
            if len(cut) > 2:
                yield cut
        if is_inside_out:
            yield [(self.radius * sin(i * _ARC), -self.radius * cos(i * _ARC)) for i in range(ceil(tau / _ARC))]

    def _cut(self, polar: Sequence[tuple[float, float]]) -> Iterator[XY]:
        limit = self.reach / EARTH_RADIUS
        # A ring completely beyond the reach is dropped, unless it goes round the centre.
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


# A page draws several maps around one place, and has several languages.
@lru_cache(16)
def _seen_from(centre: GeoPoint, land: Land) -> tuple[list[list[XY]], bool]:
    """Returns rings as angular distance and bearing in radians, and whether the sea is inside them."""
    polar = [_polar(centre, ring) for ring in _positions(land)]
    sea = min(_polar(centre, [_Position.of(*place) for place in _SEA]))
    return polar, bool(sum(_is_inside(sea, ring) for ring in polar) % 2)


# Sines of thousands of points: computed once for an outline file, for all centres.
@lru_cache(2)
def _positions(land: Land) -> list[list[_Position]]:
    return [[_Position.of(radians(x), radians(y)) for x, y in _densified(ring)] for ring in land.rings]


def _polar(centre: GeoPoint, positions: Iterable[_Position]) -> list[XY]:
    """Returns angular distance and bearing of each position, in radians."""
    sin_phi, cos_phi = sin(radians(centre.latitude)), cos(radians(centre.latitude))
    meridian = radians(centre.longitude)
    result = []
    for longitude, sin_latitude, cos_latitude in positions:
        east, north = sin(longitude - meridian) * cos_latitude, cos(longitude - meridian) * cos_latitude
        x = cos_phi * sin_latitude - sin_phi * north
        result.append((atan2(hypot(x, east), sin_phi * sin_latitude + cos_phi * north), atan2(east, x)))
    return result


def middle(points: Iterable[GeoPoint]) -> GeoPoint:
    """Returns the middle of places on the sphere. Raises ValueError without places."""
    sums = [0.0, 0.0, 0.0]
    count = 0
    for point in points:
        phi, lambda_ = radians(point.latitude), radians(point.longitude)
        for axis, part in enumerate((cos(phi) * cos(lambda_), cos(phi) * sin(lambda_), sin(phi))):
            sums[axis] += part
        count += 1
    if not count:
        raise ValueError("the middle needs at least one place")
    x, y, z = sums
    return GeoPoint(degrees(atan2(z, hypot(x, y))), degrees(atan2(y, x)))


def _turns(polar: Sequence[tuple[float, float]]) -> Iterator[float]:
    """Yields the turn of each edge of a ring around the centre, in radians."""
    for (_, start), (_, end) in zip((polar[-1], *polar), polar, strict=False):
        yield _turn(start, end)


def _turn(start: float, end: float) -> float:
    return (end - start + pi) % tau - pi


def _is_inside(place: tuple[float, float], ring: Sequence[tuple[float, float]]) -> bool:
    """Returns whether a ring encloses a place, in the plane where the radius is the angular distance."""
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
    """Yields the points of a ring (longitude and latitude in degrees), with more where edges are longer than 2°."""
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


def read_land(path: Path) -> Land:
    """Returns the outlines in `land-110m.json` (npm package world-atlas: Natural Earth, public domain).

    Positions are longitude and latitude in degrees, clockwise around the land. Raises OSError if the file does not
    exist, KeyError or ValueError if it is not TopoJSON.
    """
    topology = json.loads(path.read_text(encoding="utf-8"))
    arcs = [list(_decoded(arc, topology["transform"])) for arc in topology["arcs"]]
    return Land(tuple(_ring(indexes, arcs) for indexes in _polygons(topology["objects"]["land"])))


def _polygons(geometry: Mapping[str, Any]) -> Iterator[list[int]]:
    """Yields the arcs of every ring of a geometry."""
    if geometry["type"] == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _polygons(part)
    elif geometry["type"] == "MultiPolygon":
        for polygon in geometry["arcs"]:
            yield from polygon
    elif geometry["type"] == "Polygon":
        yield from geometry["arcs"]
    else:
        raise ValueError(f"land must be polygons, not {geometry['type']}")


def _decoded(arc: list[list[int]], transform: Mapping[str, list[float]]) -> Iterator[tuple[float, float]]:
    """Yields the positions of an arc, which are stored as differences (TopoJSON, section 2.1.4)."""
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    x = y = 0
    for dx, dy, *_ in arc:
        x, y = x + dx, y + dy
        yield x * scale_x + left, y * scale_y + bottom


def _ring(indexes: list[int], arcs: list[list[tuple[float, float]]]) -> Ring:
    """Joins arcs to a ring. An arc ~i is reversed, and arcs share their end points (TopoJSON, section 2.1.4)."""
    ring: list[tuple[float, float]] = []
    for index in indexes:
        ring.extend((arcs[index] if index >= 0 else arcs[~index][::-1])[:-1])
    return tuple(ring)
