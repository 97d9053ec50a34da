"""The geometry of each row of a result: from a column of WKT, of latitude and longitude, or from two places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from citygraph.errors import NotAcceptable
from citygraph.exports.antimeridian import cut
from citygraph.exports.geometry import Geometry, Position
from citygraph.exports.typed_rows import ColumnKind, TypedColumn, TypedTable
from citygraph.exports.wkt import read_wkt

_LATITUDE = re.compile(r"(.*?)_?(lat|latitude|enlem)", re.IGNORECASE)
_LONGITUDE = re.compile(r"(.*?)_?(lon|long|lng|longitude|boylam)", re.IGNORECASE)
_WKT = re.compile(r"wkt|geom", re.IGNORECASE)
NEEDED = (
    "a column of WKT (geo:wktLiteral), columns lat and lon with numbers, or columns such as sourceLat, sourceLon, "
    "targetLat and targetLon for lines"
)


def geometries_of(table: TypedTable, format_label: str) -> tuple[list[Geometry | None], tuple[TypedColumn, ...]]:
    """Returns the geometry of each row, and the columns that are not represented by it.

    Raises NotAcceptable if the table has no geometry or an unreadable one.
    """
    for column in table.columns:
        if column.kind is ColumnKind.GEOMETRY:
            others = tuple(one for one in table.columns if one is not column)
            return [_from_wkt(text, number) for number, text in enumerate(column.values, 1)], others
    pairs = _coordinate_columns(table)
    if not table.size:
        return [], table.columns
    if not pairs:
        names = ", ".join(column.name for column in table.columns)
        raise NotAcceptable(f"the result has no geometry, which {format_label} needs: {NEEDED}; it has {names}", ())
    if len(pairs) == 1:
        latitudes, longitudes = pairs[0]
        return [_point(*pair) for pair in _numbered(latitudes, longitudes)], table.columns
    (one_lat, one_lon), (other_lat, other_lon) = pairs[:2]
    ends = zip(_numbered(one_lat, one_lon), _numbered(other_lat, other_lon), strict=True)
    return [_line(_point(*one), _point(*other)) for one, other in ends], table.columns


def may_have_geometry(names: Iterable[str]) -> bool:
    """Returns whether columns of these names are likely to give a geometry."""
    names = list(names)
    latitudes = {match[1] for name in names if (match := _LATITUDE.fullmatch(name))}
    longitudes = {match[1] for name in names if (match := _LONGITUDE.fullmatch(name))}
    return bool(latitudes & longitudes) or any(_WKT.search(name) for name in names)


def _coordinate_columns(table: TypedTable) -> list[tuple[TypedColumn, TypedColumn]]:
    """Returns the pairs of latitude and longitude, the one without a prefix alone if there is one."""
    numeric = [one for one in table.columns if one.kind in (ColumnKind.NUMBER, ColumnKind.INTEGER)]
    longitudes = {match[1]: one for one in numeric if (match := _LONGITUDE.fullmatch(one.name))}
    found = {
        match[1]: (one, longitudes[match[1]])
        for one in numeric
        if (match := _LATITUDE.fullmatch(one.name)) and match[1] in longitudes
    }
    return [found[""]] if "" in found else list(found.values())


def _numbered(latitudes: TypedColumn, longitudes: TypedColumn) -> Iterator[tuple[Any, Any, int]]:
    numbers = range(1, len(latitudes.values) + 1)
    return zip(latitudes.values, longitudes.values, numbers, strict=True)


def _point(latitude: float | None, longitude: float | None, number: int) -> Geometry | None:
    if latitude is None or longitude is None:
        return None
    return Geometry("Point", _checked((float(longitude), float(latitude)), number))


def _line(one: Geometry | None, other: Geometry | None) -> Geometry | None:
    """Returns the line between two points by the shorter way."""
    if one is None or other is None:
        return one or other
    return cut(Geometry("LineString", [one.coordinates, other.coordinates]))


def _checked(position: Position, number: int) -> Position:
    # A longitude may go on beyond the antimeridian, where it is cut.
    if abs(position[1]) > 90 or abs(position[0]) > 540:
        raise NotAcceptable(
            f"row {number} has the longitude {position[0]:g} and latitude {position[1]:g}: there is no such place", ()
        )
    return position


def _from_wkt(text: str | None, number: int) -> Geometry | None:
    if text is None:
        return None
    try:
        geometry = read_wkt(text)
    except ValueError as error:
        raise NotAcceptable(f"the geometry in row {number} cannot be read: {error}: {text[:80]}", ()) from None
    if geometry is None:
        return None
    for position in geometry.positions():
        _checked(position, number)
    return cut(geometry)
