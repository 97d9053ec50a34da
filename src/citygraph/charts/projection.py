"""The map projection, azimuthal around any centre with the square root of distance as radius, and the outlines of the
land.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import acos, asin, atan2, ceil, cos, degrees, dist, floor, fsum, hypot, inf, pi, radians, sin, sqrt, tau
from pathlib import Path
from typing import Any, NamedTuple

from citygraph.geo import EARTH_RADIUS

# Straight edges of outlines are curves in this projection, so that long ones get points in between.
_STEP = radians(2)
_ARC = radians(4)  # the same along the rim
_TINY = 1e-12
_NEAR = 1e-3  # radians from the centre: nearer, the sine of the angle is not computed from its cosine
_CHUNK = 32  # points of an outline that are looked at as one
_LONGEST = radians(4)  # an edge of a simplified outline
# By how much simplified outlines differ from the exact one, in radians on the sphere. 0.1° are 11 km.
_PRECISIONS = tuple(map(radians, (0.0, 0.1, 0.2, 0.4, 0.8)))
_UNSEEN = 1.2  # units of the drawing: an outline may differ by this much
_STEPS = 10  # in a radian, at which the stretch of a projection is looked at

XY = tuple[float, float]
Ring = tuple[XY, ...]  # longitude and latitude, in degrees
_Vector = tuple[float, float, float]  # of length 1, from the middle of the earth


@dataclass(frozen=True, eq=False)
class Land:
    """The outlines of the land. Compared by identity: a view of thousands of points is looked up by it."""

    rings: tuple[Ring, ...] = ()


class GeoPoint(NamedTuple):
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


class Azimuthal(NamedTuple):
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
        phi, own_phi = radians(point.latitude), radians(self.centre.latitude)
        turn = radians(point.longitude) - radians(self.centre.longitude)
        east, north = sin(turn) * cos(phi), cos(turn) * cos(phi)
        x = cos(own_phi) * sin(phi) - sin(own_phi) * north
        angle = atan2(hypot(x, east), sin(own_phi) * sin(phi) + cos(own_phi) * north)
        return angle * EARTH_RADIUS, atan2(east, x)

    def at(self, distance: float) -> float:
        """Returns the radius at which a distance in kilometres is drawn."""
        return self.radius * sqrt(max(0.0, distance) / self.reach)

    def outlines(self, land: Land) -> Iterator[list[XY]]:
        """Yields the outlines in the units of the drawing, cut at the reach: parts beyond it run along the rim.

        They must be filled by the even-odd rule. A ring with the antipode of the centre on its land side comes out
        inverted; then the rim itself is added as a ring.
        """
        coast, drawing = _coast_of(land), _Drawing(self)
        yield from filter(None, map(drawing.ring, coast.rings))
        # The antipode of the centre.
        if coast.is_land(self.centre.longitude + 180, -self.centre.latitude):
            yield drawing.rim()


class _Cap(NamedTuple):
    """A circle on the sphere: its middle and its radius in radians."""

    middle: _Vector
    radius: float


class _Chunk(NamedTuple):
    """A part of an outline, up to the first point of the next one: a cap around it, and its points by precision."""

    cap: _Cap
    points: tuple[tuple[_Vector, ...], ...]


class _Outline(NamedTuple):
    """A ring: a cap around it, and its parts."""

    cap: _Cap
    chunks: tuple[_Chunk, ...]


class _Edge(NamedTuple):
    """An edge of an outline from west to east: the longitude and latitude of its start, and how far it goes."""

    west: float
    latitude: float
    turn: float
    rise: float

    @classmethod
    def between(cls, one: XY, other: XY) -> _Edge:
        """Returns the edge between two points, which is the shorter way round the earth."""
        turn = (other[0] - one[0] + 180) % 360 - 180
        start, end, turn = (one, other, turn) if turn >= 0 else (other, one, -turn)
        return cls(start[0], start[1], turn, end[1] - start[1])

    def is_north_of(self, longitude: float, latitude: float) -> bool:
        """Returns whether the edge crosses the meridian of a place north of it."""
        turn = (longitude - self.west) % 360
        return turn < self.turn and self.latitude + turn / self.turn * self.rise > latitude


@dataclass(frozen=True)
class _Coast:
    """The outlines of the land, prepared for any centre: a map draws only near parts, with the visible precision."""

    rings: tuple[_Outline, ...]
    edges: Mapping[int, tuple[_Edge, ...]]  # of all rings, by whole degrees of longitude

    def is_land(self, longitude: float, latitude: float) -> bool:
        """Returns whether a place is on land: whether the way from the north pole, which is at sea, leads to land."""
        edges = self.edges.get(floor(longitude) % 360, ())
        return sum(edge.is_north_of(longitude, latitude) for edge in edges) % 2 == 1


class _Drawing:
    """Draws outlines in one projection. Points are vectors, because a product takes less time than an angle."""

    def __init__(self, view: Azimuthal) -> None:
        phi, lambda_ = radians(view.centre.latitude), radians(view.centre.longitude)
        self._up = _vector((view.centre.longitude, view.centre.latitude))
        self._east = (-sin(lambda_), cos(lambda_), 0.0)
        self._south = (sin(phi) * cos(lambda_), sin(phi) * sin(lambda_), -cos(phi))
        self._radius = view.radius
        self._limit = view.reach / EARTH_RADIUS
        self._scale = view.radius / sqrt(self._limit)
        steps = (max(step, 0.1) / _STEPS for step in range(ceil(pi * _STEPS) + 1))
        self._precisions = [self._precision(angle) for angle in steps]

    def ring(self, ring: _Outline) -> list[XY]:
        """Returns the drawn ring; nothing for a ring that is beyond the reach or too small to be visible."""
        # A ring of one chunk has the cap of the chunk.
        if len(ring.chunks) > 1 and self._is_beyond(*self._distances(ring.cap)):
            return []
        drawn: list[XY] = []
        # Points beyond the reach, as their bearing and the number of points that are drawn before them.
        beyond: list[tuple[int, float]] = []
        for chunk in ring.chunks:
            near, far = self._distances(chunk.cap)
            if self._is_beyond(near, far):
                beyond.append((len(drawn), self._bearing(chunk.points[0][0])))
                continue
            points = chunk.points[min(self._precisions[int(near * _STEPS)], self._precisions[int(far * _STEPS) + 1])]
            if near > _NEAR and far < self._limit and far < pi - _NEAR:
                drawn += self._within(points)
            else:
                self._cut(points, drawn, beyond)
        closed = self._with_rim(drawn, beyond) if beyond else drawn
        return closed if len(closed) > 2 else []

    def _distances(self, cap: _Cap) -> tuple[float, float]:
        """Returns the distances of the nearest and the farthest point of a cap from the centre."""
        distance = acos(max(-1.0, min(1.0, self._cosine(cap.middle))))
        return max(0.0, distance - cap.radius), min(pi, distance + cap.radius)

    def _is_beyond(self, near: float, far: float) -> bool:
        """Returns whether a cap is beyond the reach, and without the antipode, so that its bearings differ by < π."""
        return near > self._limit and far < pi

    def _within(self, points: Iterable[_Vector]) -> list[XY]:
        """Returns the drawn points of which all are within the reach, and none is at the centre or its antipode."""
        (up_x, up_y, up_z), (east_x, east_y, _), (south_x, south_y, south_z) = self._up, self._east, self._south
        scale = self._scale
        # In one expression, because a map has thousands of points: a sine of the angle c is the root of 1 - cos² c.
        return [
            (
                (east_x * x + east_y * y)
                * (r := scale * sqrt(acos(c := up_x * x + up_y * y + up_z * z) / (1.0 - c * c))),
                (south_x * x + south_y * y + south_z * z) * r,
            )
            for x, y, z in points
        ]

    def _cut(self, points: Iterable[_Vector], drawn: list[XY], beyond: list[tuple[int, float]]) -> None:
        """Draws any points: adds those within the reach to `drawn`, and the bearings of the others to `beyond`."""
        (up_x, up_y, up_z), (east_x, east_y, _), (south_x, south_y, south_z) = self._up, self._east, self._south
        least = cos(min(self._limit, pi))
        for x, y, z in points:
            east, south = east_x * x + east_y * y, south_x * x + south_y * y + south_z * z
            c = up_x * x + up_y * y + up_z * z
            if c < least:
                beyond.append((len(drawn), atan2(east, -south)))
            else:
                r = self._scale * sqrt(acos(max(-1.0, min(1.0, c)))) / max(hypot(east, south), _TINY)
                drawn.append((east * r, south * r))

    def _cosine(self, point: _Vector) -> float:
        """Returns the cosine of the distance of a point."""
        (up_x, up_y, up_z), (x, y, z) = self._up, point
        return up_x * x + up_y * y + up_z * z

    def _bearing(self, point: _Vector) -> float:
        (east_x, east_y, _), (south_x, south_y, south_z), (x, y, z) = self._east, self._south, point
        return atan2(east_x * x + east_y * y, -(south_x * x + south_y * y + south_z * z))

    def _with_rim(self, drawn: Sequence[XY], beyond: Sequence[tuple[int, float]]) -> list[XY]:
        """Returns the points of a ring with those along the rim in place of those beyond it."""
        turns = [_turn(start, end) for (_, start), (_, end) in zip((beyond[-1], *beyond), beyond, strict=False)]
        # A ring completely beyond the reach is dropped, unless it goes round the centre.
        if not drawn and abs(sum(turns)) < pi:
            return []
        closed: list[XY] = []
        done = 0
        before, last = beyond[-1][0] - len(drawn), beyond[-1][1]
        for (place, bearing), turn in zip(beyond, turns, strict=True):
            closed += drawn[done:place]
            # Only between neighbours does the ring run along the rim.
            steps = max(1, ceil(abs(turn) / _ARC)) if place == before else 1
            closed += [self._at_rim(last + turn * step / steps) for step in range(1, steps)]
            closed.append(self._at_rim(bearing))
            done = before = place
            last = bearing
        return closed + list(drawn[done:])

    def _at_rim(self, bearing: float) -> XY:
        return self._radius * sin(bearing), -self._radius * cos(bearing)

    def rim(self) -> list[XY]:
        """Returns the rim as a ring."""
        return [self._at_rim(step * _ARC) for step in range(ceil(tau / _ARC))]

    def _precision(self, angle: float) -> int:
        """Returns the number of the coarsest outline whose difference is not seen at a distance from the centre."""
        # Distances along a circle around the centre are drawn larger than those from it.
        stretch = self._scale * sqrt(angle) / max(sin(angle), _TINY)
        return max(number for number, precision in enumerate(_PRECISIONS) if precision * stretch <= _UNSEEN)


# For all maps of a process.
@lru_cache(2)
def _coast_of(land: Land) -> _Coast:
    edges: dict[int, list[_Edge]] = {}
    for ring in land.rings:
        for start, end in zip(ring, (*ring[1:], ring[0]), strict=True):
            edge = _Edge.between(start, end)
            for degree in range(floor(edge.west), floor(edge.west + edge.turn) + 1):
                edges.setdefault(degree % 360, []).append(edge)
    return _Coast(tuple(map(_outline, land.rings)), {degree: tuple(of_one) for degree, of_one in edges.items()})


def _outline(ring: Ring) -> _Outline:
    points = [_vector(point) for point in _densified(ring)]
    chunks = []
    for start in range(0, len(points), _CHUNK):
        # A chunk reaches to the next one, so that they join in every precision.
        part = (points[start:] + points[:1])[: _CHUNK + 1]
        weights = _weights(part)
        kept = ([p for p, weight in zip(part, weights, strict=True) if weight >= least][:-1] for least in _PRECISIONS)
        chunks.append(_Chunk(_cap(part), tuple(map(tuple, kept))))
    return _Outline(_cap(points), tuple(chunks))


def _weights(points: Sequence[_Vector]) -> list[float]:
    """Returns by how much a line changes at least without each of its points (Douglas and Peucker), in radians.

    Those without which an edge would be too long have infinite weight.
    """
    weights = [inf] * len(points)
    waiting = [(0, len(points) - 1, inf)]
    while waiting:
        start, end, most = waiting.pop()
        if end - start > 1:
            deviations = _deviations(points[start + 1 : end], points[start], points[end])
            weight = max(deviations)
            middle = start + 1 + deviations.index(weight) if weight > _TINY else (start + end) // 2
            most = weights[middle] = min(most, inf if dist(points[start], points[end]) > _LONGEST else weight)
            waiting += (start, middle, most), (middle, end, most)
    return weights


def _deviations(points: Sequence[_Vector], start: _Vector, end: _Vector) -> list[float]:
    """Returns the distances of points from the great circle through two others, or from a point that is both."""
    (a, b, c), (d, e, f) = start, end
    x, y, z = b * f - c * e, c * d - a * f, a * e - b * d
    length = hypot(x, y, z)
    if length < _TINY:
        return [dist(point, start) for point in points]
    x, y, z = x / length, y / length, z / length
    return [abs(x * p + y * q + z * r) for p, q, r in points]


def _cap(points: Sequence[_Vector]) -> _Cap:
    """Returns a cap around points."""
    sums = [fsum(parts) for parts in zip(*points, strict=True)]
    length = max(hypot(*sums), _TINY)
    x, y, z = (part / length for part in sums)
    return _Cap((x, y, z), acos(max(-1.0, min([1.0, *(x * p + y * q + z * r for p, q, r in points)]))))


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


def _turn(start: float, end: float) -> float:
    return (end - start + pi) % tau - pi


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
