"""Parquet, and GeoParquet for a result with geometries: typed columns, in groups of rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table
from arro3.io import write_parquet as write_with_arrow

from citygraph.errors import NotAcceptable
from citygraph.exports.geometry_columns import geometries_of
from citygraph.exports.sinks import Sink, write_in_pieces
from citygraph.exports.typed_rows import ColumnKind, TypedColumn, TypedTable

_BATCH = 50_000
_EPOCH = date(1970, 1, 1).toordinal()
_TYPES: dict[ColumnKind, DataType] = {
    ColumnKind.TEXT: DataType.string(),
    ColumnKind.IRI: DataType.string(),
    ColumnKind.INTEGER: DataType.int64(),
    ColumnKind.NUMBER: DataType.float64(),
    ColumnKind.BOOLEAN: DataType.bool(),
    ColumnKind.DAY: DataType.date32(),
    ColumnKind.GEOMETRY: DataType.binary(),
}


def write_parquet(table: TypedTable, out: Sink) -> None:
    """Writes a table; its description is in the metadata of the file."""
    columns, geo = _columns(table)
    schema = Schema([Field(column.name, _TYPES[column.kind], nullable=True) for column in columns])
    batches = [_batch(columns, start, schema) for start in range(0, table.size, _BATCH)]
    file = BytesIO()
    # The metadata of the schema would be seen by few readers.
    metadata = {**dict(table.about), **geo}
    write_with_arrow(
        Table.from_batches(batches, schema=schema), file, compression="snappy", key_value_metadata=metadata
    )
    write_in_pieces(file.getbuffer(), out)


def _columns(table: TypedTable) -> tuple[tuple[TypedColumn, ...], dict[str, str]]:
    """Returns the columns, of which a geometry is binary, and the metadata of GeoParquet 1.1."""
    name = next((column.name for column in table.columns if column.kind is ColumnKind.GEOMETRY), "")
    if not name:
        return table.columns, {}
    try:
        geometries, others = geometries_of(table, "Parquet")
    except NotAcceptable:
        # A value that is not a valid geometry is still text.
        texts = (TypedColumn(one.name, ColumnKind.TEXT, one.values) for one in table.columns)
        kept = zip(table.columns, texts, strict=True)
        return tuple(text if one.kind is ColumnKind.GEOMETRY else one for one, text in kept), {}
    binary = TypedColumn(name, ColumnKind.GEOMETRY, [one and one.as_wkb() for one in geometries])
    others = tuple(
        TypedColumn(one.name, ColumnKind.TEXT, one.values) if one.kind is ColumnKind.GEOMETRY else one for one in others
    )
    types = sorted({one.type for one in geometries if one})
    geo = {"version": "1.1.0", "primary_column": name, "columns": {name: {"encoding": "WKB", "geometry_types": types}}}
    return (*others, binary), {"geo": json.dumps(geo)}


def _batch(columns: Sequence[TypedColumn], start: int, schema: Schema) -> RecordBatch:
    arrays = [_array(column.kind, column.values[start : start + _BATCH]) for column in columns]
    return RecordBatch.from_arrays(arrays, schema=schema)


def _array(kind: ColumnKind, values: list[Any]) -> Array:
    if kind is ColumnKind.DAY:
        # The library makes no dates from Python's.
        days = [None if day is None else date.fromisoformat(day).toordinal() - _EPOCH for day in values]
        return Array(days, DataType.int32()).cast(_TYPES[kind])
    return Array(values, _TYPES[kind])
