"""GeoPackage 1.3: a layer for the rows with their geometries, made in memory as a SQLite database."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from citygraph.exports.geometry import Geometry
from citygraph.exports.geometry_columns import geometries_of
from citygraph.exports.sinks import Sink, write_in_pieces
from citygraph.exports.typed_rows import ColumnKind, TypedColumn, TypedTable

LAYER = "result"
_APPLICATION, _VERSION = 0x47504B47, 10300  # "GPKG"
_WGS84 = 4326
_TYPES = {
    ColumnKind.TEXT: "TEXT",
    ColumnKind.IRI: "TEXT",
    ColumnKind.GEOMETRY: "TEXT",
    ColumnKind.INTEGER: "INTEGER",
    ColumnKind.NUMBER: "DOUBLE",
    ColumnKind.BOOLEAN: "BOOLEAN",
    ColumnKind.DAY: "DATE",
}
_DEFINITION = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]'
)
# The tables that a GeoPackage must have (OGC 12-128r17, 1.1.2, 1.1.3 and 2.1.5).
_SCHEMA = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
  srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
"""


def write_geopackage(table: TypedTable, out: Sink) -> None:
    """Writes a table with a geometry. Raises NotAcceptable if it has none."""
    geometries, columns = geometries_of(table, "GeoPackage")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("BEGIN")
        _describe(database, table, geometries)
        names = ", ".join(f"{_quoted(name)} {_TYPES[one.kind]}" for name, one in _named(columns))
        database.execute(
            f"CREATE TABLE {LAYER} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom GEOMETRY"
            f"{', ' if names else ''}{names})"
        )
        marks = ", ".join("?" * (len(columns) + 2))
        insert = f"INSERT INTO {LAYER} VALUES ({marks})"  # noqa: S608 - no text of a result is in it
        database.executemany(insert, _rows(geometries, columns))
        database.execute("COMMIT")
        data = database.serialize()
    write_in_pieces(data, out)


def _rows(geometries: Sequence[Geometry | None], columns: Sequence[TypedColumn]) -> Iterator[tuple[Any, ...]]:
    for number, geometry in enumerate(geometries):
        binary = _blob(geometry) if geometry else None
        yield (number + 1, binary, *(column.values[number] for column in columns))


def _named(columns: Sequence[TypedColumn]) -> Iterator[tuple[str, TypedColumn]]:
    """Yields names for the columns: SQLite ignores case and has reserved columns."""
    used = {"fid", "geom", "rowid"}
    for column in columns:
        name = column.name
        while name.casefold() in used:
            name += "_"
        used.add(name.casefold())
        yield name, column


def _describe(database: sqlite3.Connection, table: TypedTable, geometries: Sequence[Geometry | None]) -> None:
    database.execute(f"PRAGMA application_id = {_APPLICATION}")
    database.execute(f"PRAGMA user_version = {_VERSION}")
    for statement in _SCHEMA.split(";\n"):
        database.execute(statement)
    systems = [
        ("Undefined Cartesian", -1, "NONE", -1, "undefined", None),
        ("Undefined geographic", 0, "NONE", 0, "undefined", None),
        ("WGS 84 geodetic", _WGS84, "EPSG", _WGS84, _DEFINITION, "longitude and latitude in decimal degrees"),
    ]
    database.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", systems)
    positions = [position for geometry in geometries if geometry for position in geometry.positions()]
    extent: tuple[float | None, ...] = (None,) * 4
    if positions:
        xs, ys = [p[0] for p in positions], [p[1] for p in positions]
        extent = (min(xs), min(ys), max(xs), max(ys))
    about = dict(table.about)
    description = "\n".join(f"{name}: {value}" for name, value in about.items())
    # Not the time of writing, so that the same result gives the same bytes.
    changed = about.get("issued", "1970-01-01") + "T00:00:00.000Z"
    contents = (LAYER, "features", about.get("title", LAYER), description, changed, *extent, _WGS84)
    database.execute("INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", contents)
    types = {geometry.type for geometry in geometries if geometry}
    type_ = types.pop().upper() if len(types) == 1 else "GEOMETRY"
    height = int(any(len(position) > 2 for position in positions)) * 2
    column = (LAYER, "geom", type_, _WGS84, height, 0)
    database.execute("INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, ?, ?)", column)


def _blob(geometry: Geometry) -> bytes:
    """Returns a geometry in the binary form of GeoPackage (2.1.3), little-endian, without an envelope."""
    return b"GP" + struct.pack("<BBi", 0, 1, _WGS84) + geometry.as_wkb()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
