"""The outlines of the land, from the TopoJSON of the npm package world-atlas (Natural Earth, public domain)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from citygraph.pictures.projection import Ring


def read_land(path: Path) -> tuple[Ring, ...]:
    """The rings of `land-110m.json`: longitude and latitude in degrees, clockwise about the land.

    Raises OSError where there is no such file, KeyError or ValueError for one that is no TopoJSON.
    """
    topology = json.loads(path.read_text(encoding="utf-8"))
    arcs = [list(_decoded(arc, topology["transform"])) for arc in topology["arcs"]]
    return tuple(_ring(indexes, arcs) for indexes in _polygons(topology["objects"]["land"]))


def _polygons(geometry: Mapping[str, Any]) -> Iterator[list[int]]:
    """The arcs of every ring of a geometry."""
    if geometry["type"] == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _polygons(part)
    elif geometry["type"] == "MultiPolygon":
        for polygon in geometry["arcs"]:
            yield from polygon
    elif geometry["type"] == "Polygon":
        yield from geometry["arcs"]
    else:
        raise ValueError(f"land is made of polygons, and this is a {geometry['type']}")


def _decoded(arc: list[list[int]], transform: Mapping[str, list[float]]) -> Iterator[tuple[float, float]]:
    """An arc's positions: each is given by its difference from the one before (TopoJSON, 2.1.4)."""
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    x = y = 0
    for dx, dy, *_ in arc:
        x, y = x + dx, y + dy
        yield x * scale_x + left, y * scale_y + bottom


def _ring(indexes: list[int], arcs: list[list[tuple[float, float]]]) -> Ring:
    """Arcs joined: one that is counted from the end (~i) runs backwards; they share their ends (TopoJSON, 2.1.4)."""
    ring: list[tuple[float, float]] = []
    for index in indexes:
        ring.extend((arcs[index] if index >= 0 else arcs[~index][::-1])[:-1])
    return tuple(ring)
