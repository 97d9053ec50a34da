"""GeoJSON (RFC 7946): a feature for each row, written row by row."""

from __future__ import annotations

import json
from typing import Any

from citygraph.exports.geometry_columns import geometries_of
from citygraph.exports.sinks import Sink
from citygraph.exports.typed_rows import TypedTable

_BATCH = 1000


def write_geojson(table: TypedTable, out: Sink) -> None:
    """Writes a table with a geometry. Raises NotAcceptable if it has none."""
    geometries, columns = geometries_of(table, "GeoJSON")
    names = [_name(column.name) for column in columns]
    rows = zip(*(column.values for column in columns), strict=True) if columns else iter(() for _ in geometries)
    # Members that are not in the standard are ignored by readers (RFC 7946, 6.1).
    head = {"type": "FeatureCollection", **dict(table.about)}
    out.write((_json(head)[:-1] + ',"features":[').encode())
    batch: list[str] = []
    separator = "\n"
    for geometry, values in zip(geometries, rows, strict=True):
        properties = dict(zip(names, values, strict=True))
        feature = {"type": "Feature", "geometry": geometry and geometry.as_json(), "properties": properties}
        batch.append(separator + _json(feature))
        separator = ",\n"
        if len(batch) == _BATCH:
            out.write("".join(batch).encode())
            batch.clear()
    out.write(("".join(batch) + "\n]}\n").encode())


def _name(name: str) -> str:
    # Readers take a property `id` for the identifier of the feature.
    return "id_" if name == "id" else name


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
