"""A geometry with longitude and latitude, as GeoJSON and as well-known binary."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# A position: longitude, latitude, and the height if it is known.
Position = tuple[float, ...]

TYPES = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
_CODES = {name: code for code, name in enumerate(TYPES, 1)}
_PARTS = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}
_WITH_HEIGHT = 1000


@dataclass(frozen=True)
class Geometry:
    """A geometry: its type as in GeoJSON, and its coordinates nested as there; `parts` are those of a collection."""

    type: str
    coordinates: Any = ()
    parts: tuple[Geometry, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Returns the geometry as in GeoJSON (RFC 7946)."""
        if self.type == "GeometryCollection":
            return {"type": self.type, "geometries": [part.as_json() for part in self.parts]}
        return {"type": self.type, "coordinates": self.coordinates}

    def positions(self) -> Iterator[Position]:
        """Yields all positions."""
        for part in self.parts:
            yield from part.positions()
        yield from positions_in(self.coordinates)

    def as_wkb(self) -> bytes:
        """Returns the geometry as well-known binary, little-endian."""
        first = next(self.positions(), None)
        return _wkb(self, has_height=first is not None and len(first) > 2)


def positions_in(coordinates: Any) -> Iterator[Position]:
    if isinstance(coordinates, tuple) and coordinates and isinstance(coordinates[0], float):
        yield coordinates
        return
    for part in coordinates:
        yield from positions_in(part)


def _wkb(geometry: Geometry, has_height: bool) -> bytes:
    head = struct.pack("<BI", 1, _CODES[geometry.type] + has_height * _WITH_HEIGHT)
    if geometry.type == "Point":
        return head + _packed(geometry.coordinates, has_height)
    if geometry.type == "LineString":
        return head + _packed_all(geometry.coordinates, has_height)
    if geometry.type == "Polygon":
        rings = geometry.coordinates
        return head + struct.pack("<I", len(rings)) + b"".join(_packed_all(ring, has_height) for ring in rings)
    if geometry.type == "GeometryCollection":
        parts: Sequence[Geometry] = geometry.parts
    else:
        parts = [Geometry(_PARTS[geometry.type], part) for part in geometry.coordinates]
    return head + struct.pack("<I", len(parts)) + b"".join(_wkb(part, has_height) for part in parts)


def _packed_all(positions: Sequence[Position], has_height: bool) -> bytes:
    return struct.pack("<I", len(positions)) + b"".join(_packed(position, has_height) for position in positions)


def _packed(position: Position, has_height: bool) -> bytes:
    numbers = (*position, 0.0)[:3] if has_height else position[:2]
    return struct.pack(f"<{len(numbers)}d", *numbers)
