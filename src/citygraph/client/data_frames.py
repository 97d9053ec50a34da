"""Results as data frames, by way of Arrow. The libraries are imported on first use."""

from __future__ import annotations

import importlib
import struct
from typing import Any, Protocol

from citygraph.client.arrow_columns import DATES, ArrowColumn, columns_of
from citygraph.client.typed_values import WKT, PartialDate, TypedText, as_partial

_LATITUDES, _LONGITUDES = ("latitude", "lat"), ("longitude", "lon", "long", "lng")
_GEOMETRY = "geometry"
_POINT = {"ARROW:extension:name": "geoarrow.wkb", "ARROW:extension:metadata": '{"crs": "OGC:CRS84"}'}
_FREQUENCIES = {"year": "Y", "month": "M", "day": "D"}


class TableOfValues(Protocol):
    """The content of a data frame: columns of values, with their release and address."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        ...

    @property
    def release(self) -> str:
        """The name of the release; "" if it is not known."""
        ...

    @property
    def url(self) -> str:
        """The address of the result."""
        ...

    @property
    def index(self) -> Any:
        """The labels of the rows in pandas, or None."""
        ...

    def column(self, name: str) -> list[Any]:
        """Returns the values of a column."""
        ...


def to_arrow(table: TableOfValues, dates: str) -> Any:
    """Returns an arro3.core.Table. Raises ValueError for an unknown way to show dates, ImportError without arro3."""
    return _arrow(table, _columns(table, dates), {})


def to_polars(table: TableOfValues, dates: str) -> Any:
    """Returns a polars.DataFrame."""
    return _library("polars").DataFrame(to_arrow(table, dates))


def to_pandas(table: TableOfValues, dates: str) -> Any:
    """Returns a pandas.DataFrame, with the labels of the table."""
    pandas = _library("pandas")
    periods = {name: kind for name in table.columns if (kind := _precision(table.column(name)))}
    columns = _columns(table, "auto" if dates == "period" else dates, periods if dates == "period" else ())
    frame = _with_kinds(pandas.DataFrame.from_arrow(_arrow(table, columns, {})), columns)
    for name in periods if dates == "period" else ():
        frame[name] = _as_periods(pandas, table.column(name), _FREQUENCIES[periods[name]])
    return frame if table.index is None else frame.set_axis(table.index, axis=0)


def to_geopandas(table: TableOfValues, latitude: str, longitude: str, dates: str) -> Any:
    """Returns a geopandas.GeoDataFrame in WGS 84. Raises ValueError for a result without coordinates."""
    geopandas = _library("geopandas")
    columns = _columns(table, dates)
    name = _GEOMETRY
    while name in {column.name for column in columns}:
        name += "_"
    shapes = ArrowColumn(name, "binary", _geometries(table, latitude, longitude))
    arrow = _arrow(table, [*columns, shapes], {name: _POINT})
    frame = _with_kinds(geopandas.GeoDataFrame.from_arrow(arrow), columns)
    return frame if table.index is None else frame.set_axis(table.index, axis=0)


def coordinate_columns(table: TableOfValues) -> tuple[str, str] | None:
    """Returns the columns of latitude and longitude, by their usual names; None without them."""
    north, east = _named(table, _LATITUDES), _named(table, _LONGITUDES)
    return (north, east) if north and east else None


def _columns(table: TableOfValues, dates: str, as_text: Any = ()) -> list[ArrowColumn]:
    if dates not in DATES:
        raise ValueError(f"dates is {dates!r}: it must be one of {', '.join(DATES)}, or period for pandas")
    named = [(name, columns_of(name, table.column(name), "text", ())) for name in table.columns if name in as_text]
    texts = dict(named)
    columns: list[ArrowColumn] = []
    for name in table.columns:
        taken = {*table.columns, *(column.name for column in columns)}
        columns += texts.get(name) or columns_of(name, table.column(name), dates, taken)
    return columns


def _arrow(table: TableOfValues, columns: list[ArrowColumn], metadata: dict[str, dict[str, str]]) -> Any:
    arro3 = _library("arro3.core", "arro3-core")
    types = arro3.DataType
    kinds = {
        "text": types.string(),
        "boolean": types.bool(),
        "integer": types.int64(),
        "number": types.float64(),
        "date": types.date32(),
        "zoned": types.timestamp("us", tz="UTC"),
        "local": types.timestamp("us"),
        "binary": types.binary(),
    }
    # arro3 makes dates and times from numbers alone.
    made_from = {"date": types.int32(), "zoned": types.int64(), "local": types.int64()}
    arrays, fields = [], []
    for column in columns:
        kind = kinds[column.kind]
        array = arro3.Array(column.values, made_from.get(column.kind, kind))
        arrays.append(array.cast(kind) if column.kind in made_from else array)
        fields.append(arro3.Field(column.name, kind, nullable=True, metadata=metadata.get(column.name, {})))
    about = {"citygraph:release": table.release, "citygraph:address": table.url}
    return arro3.Table.from_arrays(arrays, schema=arro3.Schema(fields, metadata=about))


def _with_kinds(frame: Any, columns: list[ArrowColumn]) -> Any:
    """Returns the frame with types that have missing values: else an integer would become a float, a date an object."""
    kinds = {"date": "datetime64[s]", "integer": "Int64", "boolean": "boolean"}
    complete = {"integer": "int64", "boolean": "bool"}
    for column in columns:
        if column.kind in kinds:
            has_gaps = None in column.values or column.kind not in complete
            frame[column.name] = frame[column.name].astype((kinds if has_gaps else complete)[column.kind])
    return frame


def _precision(values: list[Any]) -> str:
    """Returns the precision that all dates of a column have; "" if they differ, or are no dates."""
    columns = columns_of("", values, "columns", ())
    precisions = {as_partial(value).precision for value in values if value is not None} if len(columns) > 1 else set()
    return precisions.pop() if len(precisions) == 1 else ""


def _as_periods(pandas: Any, values: list[Any], frequency: str) -> Any:
    dates: list[PartialDate | None] = [None if value is None else as_partial(value) for value in values]
    periods = [
        pandas.NaT if d is None else pandas.Period(year=d.year, month=d.month or 1, day=d.day or 1, freq=frequency)
        for d in dates
    ]
    return pandas.array(periods, dtype=f"period[{frequency}]")


def _geometries(table: TableOfValues, latitude: str, longitude: str) -> list[bytes | None]:
    """Returns WKB, from a column of WKT or from two of degrees."""
    if not (latitude or longitude):
        for name in table.columns:
            values = table.column(name)
            if any(isinstance(value, TypedText) and value.datatype == WKT for value in values):
                return [_of_wkt(value) for value in values]
    usual = coordinate_columns(table) or ("", "")
    north, east = latitude or usual[0], longitude or usual[1]
    if not north or not east:
        raise ValueError(
            "the result has no coordinates: select schema:latitude as ?latitude and schema:longitude as ?longitude, "
            "name the columns (latitude=…, longitude=…), or select a WKT literal"
        )
    return [_point(lon, lat) for lon, lat in zip(table.column(east), table.column(north), strict=True)]


def _named(table: TableOfValues, names: tuple[str, ...]) -> str:
    return next((column for name in names for column in table.columns if column.casefold() == name), "")


def _point(longitude: Any, latitude: Any) -> bytes | None:
    """Returns a point as little-endian WKB."""
    if longitude is None or latitude is None:
        return None
    return struct.pack("<BIdd", 1, 1, float(longitude), float(latitude))


def _of_wkt(value: Any) -> bytes | None:
    if not isinstance(value, TypedText) or value.datatype != WKT:
        return None
    # GeoSPARQL puts the reference system in front, as an IRI; without one it is WGS 84.
    shapely = _library("shapely")
    wkb: bytes = shapely.to_wkb(shapely.from_wkt(value.rpartition(">")[2].strip()))
    return wkb


def _library(module: str, package: str = "") -> Any:
    """Returns a library. Raises ImportError with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = package or module
        raise ImportError(f"this needs {name}, which cannot be imported ({error}): pip install {name}") from error
