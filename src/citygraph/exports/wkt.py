"""A reader of well-known text, as in the WKT literals of GeoSPARQL: every digit of the coordinates counts."""

from __future__ import annotations

import re
from typing import Any

from citygraph.exports.geometry import TYPES, Geometry, Position

_TOKEN = re.compile(r"\s*([A-Za-z]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[(),])")
_REFERENCE = re.compile(r"\s*<([^>]*)>")
# The usual reference system with longitude first, and with latitude first.
_LONGITUDE_FIRST = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_LATITUDE_FIRST = "http://www.opengis.net/def/crs/EPSG/0/4326"
_DEPTHS = {"POINT": 0, "LINESTRING": 1, "POLYGON": 2, "MULTIPOINT": 1, "MULTILINESTRING": 2, "MULTIPOLYGON": 3}
_NAMES = {name.upper(): name for name in TYPES}


def read_wkt(text: str) -> Geometry | None:
    """Returns the geometry of a WKT literal of GeoSPARQL; None if it is empty. Raises ValueError."""
    reference = _REFERENCE.match(text)
    system = reference[1] if reference else _LONGITUDE_FIRST
    if system not in (_LONGITUDE_FIRST, _LATITUDE_FIRST):
        raise ValueError(f"the reference system {system} is neither CRS84 nor EPSG:4326")
    return _WktReader(text[reference.end() :] if reference else text, system == _LATITUDE_FIRST).read()


class _WktReader:
    """A reader of one WKT text, token by token."""

    def __init__(self, text: str, is_latitude_first: bool) -> None:
        self._tokens: list[str] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"character {at + 1} is unexpected")
            self._tokens.append(match[1])
            at = match.end()
        self._at = 0
        self._is_latitude_first = is_latitude_first

    def read(self) -> Geometry | None:
        """Returns the geometry. Raises ValueError."""
        geometry = self._geometry()
        if self._at < len(self._tokens):
            raise ValueError("there is text after the geometry")
        return geometry

    def _geometry(self) -> Geometry | None:
        name = self._next().upper()
        if self._peek().upper() in ("Z", "M", "ZM") and self._next().upper() != "Z":
            raise ValueError("measures are not supported")
        if self._peek().upper() == "EMPTY":
            self._next()
            return None
        if name == "GEOMETRYCOLLECTION":
            return Geometry(_NAMES[name], parts=tuple(part for part in self._collection() if part))
        if name not in _DEPTHS:
            raise ValueError(f"{name[:20]} is not a known geometry")
        # The points of a MULTIPOINT may each be in parentheses.
        if name == "POINT":
            [position] = self._list(0)
            return Geometry("Point", position)
        return Geometry(_NAMES[name], self._list(_DEPTHS[name] - 1))

    def _collection(self) -> list[Geometry | None]:
        self._expect("(")
        parts = [self._geometry()]
        while self._peek() == ",":
            self._next()
            parts.append(self._geometry())
        self._expect(")")
        return parts

    def _list(self, depth: int) -> list[Any]:
        self._expect("(")
        items = [self._item(depth)]
        while self._peek() == ",":
            self._next()
            items.append(self._item(depth))
        self._expect(")")
        return items

    def _item(self, depth: int) -> Any:
        if depth:
            return self._list(depth - 1)
        if self._peek() == "(":
            [position] = self._list(0)
            return position
        return self._position()

    def _position(self) -> Position:
        numbers: list[float] = []
        while self._peek() not in (",", ")", ""):
            numbers.append(float(self._next()))
        if len(numbers) not in (2, 3):
            raise ValueError(f"a position has {len(numbers)} numbers")
        if self._is_latitude_first:
            numbers[:2] = numbers[1::-1]
        return tuple(numbers)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise ValueError(f"{token!r} is missing")
