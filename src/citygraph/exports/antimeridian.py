"""Cuts lines and areas at the antimeridian, because programs draw them around the world otherwise (RFC 7946, 3.1.9)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from citygraph.exports.geometry import Geometry, Position, positions_in


def cut(geometry: Geometry) -> Geometry:
    """Returns a geometry that does not cross the antimeridian: lines and areas are cut there (RFC 7946, 3.1.9)."""
    if geometry.type == "GeometryCollection":
        return Geometry(geometry.type, parts=tuple(map(cut, geometry.parts)))
    if geometry.type in ("Point", "MultiPoint"):
        moved = [_moved(position) for position in positions_in(geometry.coordinates)]
        return Geometry(geometry.type, moved[0] if geometry.type == "Point" else moved)
    is_line = geometry.type.endswith("LineString")
    singles = geometry.coordinates if geometry.type.startswith("Multi") else [geometry.coordinates]
    pieces = [piece for single in singles for piece in (_cut_line(single) if is_line else _cut_area(single))]
    single_type, multi_type = ("LineString", "MultiLineString") if is_line else ("Polygon", "MultiPolygon")
    if len(pieces) == 1 and not geometry.type.startswith("Multi"):
        return Geometry(single_type, pieces[0])
    return Geometry(multi_type, pieces)


def _moved(position: Position) -> Position:
    longitude = position[0]
    if -180 <= longitude <= 180:
        return position
    return ((longitude + 180) % 360 - 180, *position[1:])


def _unrolled(positions: Sequence[Position]) -> list[Position]:
    """Returns positions of which each is at most half a turn from the one before."""
    unrolled = [positions[0]]
    for position in positions[1:]:
        turns = round((unrolled[-1][0] - position[0]) / 360)
        unrolled.append((position[0] + 360 * turns, *position[1:]) if turns else position)
    return unrolled


def _strips(positions: Sequence[Position]) -> range:
    """Returns the turns in which positions are: 0 for -180 to 180, 1 for 180 to 540."""
    longitudes = [position[0] for position in positions]
    first = int((min(longitudes) + 180) // 360)
    return range(first, max(first + 1, int(-((-max(longitudes) - 180) // 360))))


def _cut_line(positions: Sequence[Position]) -> list[list[Position]]:
    line = _unrolled(positions)
    strips = _strips(line)
    if len(strips) == 1:
        return [_shifted(line, strips[0])]
    pieces: list[list[Position]] = [[line[0]]]
    for start, end in pairwise(line):
        borders = sorted((180 + 360 * turn for turn in range(strips[0] - 1, strips[-1] + 1)), reverse=end[0] < start[0])
        for border in borders:
            if min(start[0], end[0]) < border < max(start[0], end[0]):
                crossing = _between(start, end, border)
                pieces[-1].append(crossing)
                pieces.append([crossing])
        pieces[-1].append(end)
        # A corner on the antimeridian itself ends one piece and begins the next.
        if end is not line[-1] and (end[0] - 180) % 360 == 0:
            pieces.append([end])
    return [_shifted(piece, _strips(piece)[0]) for piece in pieces if len(piece) > 1]


def _cut_area(rings: Sequence[Sequence[Position]]) -> list[list[list[Position]]]:
    outer = _unrolled(rings[0])
    strips = _strips(outer)
    if len(strips) == 1:
        return [[_shifted(_beside(ring, outer), strips[0]) for ring in rings]]
    areas = []
    for turn in strips:
        clipped = [_clipped(_beside(ring, outer), 360 * turn - 180, 360 * turn + 180) for ring in rings]
        if clipped[0]:
            areas.append([_shifted(ring, turn) for ring in clipped if ring])
    return areas


def _beside(ring: Sequence[Position], outer: Sequence[Position]) -> list[Position]:
    """Returns a ring unrolled, in the same turn as the outer one."""
    unrolled = _unrolled(ring)
    middle = (min(p[0] for p in outer) + max(p[0] for p in outer)) / 2
    turns = round((middle - (min(p[0] for p in unrolled) + max(p[0] for p in unrolled)) / 2) / 360)
    return [(p[0] + 360 * turns, *p[1:]) for p in unrolled] if turns else unrolled


def _clipped(ring: Sequence[Position], west: float, east: float) -> list[Position]:
    """Returns the part of a ring between two meridians (Sutherland and Hodgman); empty if there is none."""
    points = list(ring[:-1])
    for border, sign in ((west, 1), (east, -1)):
        kept: list[Position] = []
        for start, end in zip(points[-1:] + points[:-1], points, strict=True):
            is_start_in, is_end_in = ((p[0] - border) * sign >= 0 for p in (start, end))
            if is_start_in != is_end_in:
                kept.append(_between(start, end, border))
            if is_end_in:
                kept.append(end)
        points = kept
    distinct = [p for before, p in zip(points[-1:] + points[:-1], points, strict=True) if p != before]
    return [*distinct, distinct[0]] if len(distinct) > 2 else []


def _between(start: Position, end: Position, border: float) -> Position:
    share = (border - start[0]) / (end[0] - start[0])
    return (float(border), *(a + (b - a) * share for a, b in zip(start[1:], end[1:], strict=False)))


def _shifted(positions: Sequence[Position], turn: int) -> list[Position]:
    return [(p[0] - 360 * turn, *p[1:]) for p in positions] if turn else list(positions)
