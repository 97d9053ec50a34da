"""Results as Arrow, pandas, polars and geopandas: types from the datatypes of the values, gaps, partial dates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from citygraph.client import IRI, PartialDate, ResultTable, TypedText
from citygraph.client.result_table import table_of

pandas: Any = pytest.importorskip("pandas", reason="pandas is not installed: its frames are not tested")
pytest.importorskip("pyarrow", reason="pyarrow is not installed, by which pandas reads Arrow")
polars: Any = pytest.importorskip("polars", reason="polars is not installed: its frames are not tested")
geopandas: Any = pytest.importorskip("geopandas", reason="geopandas is not installed: its frames are not tested")

YEAR, MONTH, DAY = PartialDate("1986", 1986), PartialDate("1991-09", 1991, 9), date(1996, 4, 24)


def one_column(*values: Any) -> ResultTable:
    return table_of(("x",), [(value,) for value in values])


@pytest.mark.parametrize(
    ("values", "arrow", "in_pandas", "in_polars"),
    [
        ((1, 2), "Int64", "int64", "Int64"),
        ((1, None), "Int64", "Int64", "Int64"),
        ((1, Decimal("1.5"), 2.5), "Float64", "float64", "Float64"),
        ((True, None), "Boolean", "boolean", "Boolean"),
        ((True, False), "Boolean", "bool", "Boolean"),
        (("a", TypedText("b", "tr"), None), "Utf8", "str", "String"),
        ((1, "a"), "Utf8", "str", "String"),
        ((1, True), "Utf8", "str", "String"),
        ((2**70, 1), "Utf8", "str", "String"),
        ((None, None), "Utf8", "str", "String"),
        ((), "Utf8", "str", "String"),
        ((DAY, None), "Date32", "datetime64[s]", "Date"),
        ((datetime(1991, 9, 15, 1, tzinfo=UTC), None), "Timestamp(us, UTC)", "datetime64[us, UTC]", "Datetime"),
        ((datetime(1991, 9, 15, 1), None), "Timestamp(us)", "datetime64[us]", "Datetime"),
        ((IRI("urn:a"), None), "Utf8", "str", "String"),
    ],
)
def test_a_column_has_one_type(values: tuple[Any, ...], arrow: str, in_pandas: str, in_polars: str) -> None:
    """By the datatypes of all its values; missing ones change neither the type nor the others (17)."""
    table = one_column(*values)
    field = table.arrow().schema.field("x")
    kind = str(field.type).removeprefix("arro3.core.DataType<").rstrip("\n>")
    assert kind.replace("Microsecond", "us").split("(")[0] == arrow.split("(")[0]
    assert str(table.pandas()["x"].dtype) == in_pandas
    frame = table.polars()
    assert str(frame["x"].dtype).startswith(in_polars)
    assert frame["x"].null_count() == sum(value is None for value in values)
    assert list(table.pandas()["x"].isna()) == [value is None for value in values]


def test_values_are_equal_in_both_kinds_of_frames() -> None:
    """Texts are as RDF writes them where types are mixed."""
    table = table_of(
        ("i", "d", "m"), [(-5, date(1868, 1, 1), Decimal("1.50")), (None, None, "x"), (7, date(1, 1, 1), True)]
    )
    assert table.polars().rows() == [(-5, date(1868, 1, 1), "1.50"), (None, None, "x"), (7, date(1, 1, 1), "true")]
    frame = table.pandas()
    assert frame["d"].dt.year.tolist()[0] == 1868
    assert frame["m"].tolist() == ["1.50", "x", "true"]
    assert table.arrow().schema.metadata_str["citygraph:release"] == ""


def test_partial_dates_become_three_columns() -> None:
    """As stated, first and last day, whose names are free (17)."""
    table = table_of(("x", "x_first"), [(YEAR, "taken"), (MONTH, ""), (DAY, ""), (None, "")])
    assert table.polars().select("x", "x_first_", "x_last").rows() == [
        ("1986", date(1986, 1, 1), date(1986, 12, 31)),
        ("1991-09", date(1991, 9, 1), date(1991, 9, 30)),
        ("1996-04-24", DAY, DAY),
        (None, None, None),
    ]
    assert str(table.pandas()["x_last"].dtype) == "datetime64[s]"


def test_the_columns_of_dates_do_not_depend_on_the_data_if_so_wanted() -> None:
    """Whole days become three columns, or any date one text."""
    assert one_column(DAY).pandas(dates="columns").columns.tolist() == ["x", "x_first", "x_last"]
    assert one_column(DAY, YEAR).polars(dates="text").rows() == [("1996-04-24",), ("1986",)]
    with pytest.raises(ValueError, match="dates is 'x': it must be one of auto, columns, text"):
        one_column(DAY).polars(dates="x")


def test_dates_of_one_precision_become_periods() -> None:
    """Years, months or days; mixed ones cannot be compared as periods, and stay three columns (17)."""
    frame = one_column(YEAR, None).pandas(dates="period")
    assert str(frame["x"].dtype) == "period[Y-DEC]"
    assert [str(value) for value in frame["x"]] == ["1986", "NaT"]
    assert str(one_column(MONTH).pandas(dates="period")["x"][0]) == "1991-09"
    assert str(one_column(DAY).pandas(dates="period")["x"][0]) == "1996-04-24"
    assert one_column(YEAR, MONTH).pandas(dates="period").columns.tolist() == ["x", "x_first", "x_last"]


def test_years_before_one_are_text_with_a_number() -> None:
    """pandas and Python cannot hold such days: the whole frame would fail (17)."""
    table = one_column(PartialDate("-0043-03-15", -43, 3, 15), YEAR)
    assert table.polars().rows() == [
        ("-0043-03-15", "-0043-03-15", "-0043-03-15", -43),
        ("1986", "1986-01-01", "1986-12-31", 1986),
    ]
    assert table.pandas()["x_year"].tolist() == [-43, 1986]


def test_geopandas_takes_points_by_their_columns() -> None:
    """In WGS 84; a row without coordinates has no geometry (17)."""
    rows = [("İzmir", Decimal("38.4"), 27.1, YEAR), ("?", None, None, None)]
    frame = table_of(("name", "Latitude", "LON", "date"), rows).geopandas()
    assert frame.crs.equals("OGC:CRS84")
    assert (frame.geometry[0].x, frame.geometry[0].y, frame.geometry[1]) == (27.1, 38.4, None)
    assert frame["date_last"].dt.year[0] == 1986
    named = table_of(("a", "b"), [(1, 2)]).geopandas(latitude="a", longitude="b")
    assert (named.geometry[0].x, named.geometry[0].y) == (2, 1)


def test_geopandas_takes_wkt() -> None:
    """Of any shape, with or without the reference system in front."""
    wkt = "http://www.opengis.net/ont/geosparql#wktLiteral"
    texts = ("POINT(27.1 38.4)", "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> LINESTRING (0 0, 1 1)")
    frame = table_of(("geometry",), [(TypedText(text, "", wkt),) for text in texts] + [(None,)]).geopandas()
    assert frame.geometry.geom_type.tolist()[:2] == ["Point", "LineString"]
    assert frame.geometry[2] is None


def test_a_result_without_coordinates_says_what_to_select() -> None:
    with pytest.raises(ValueError, match=r"select schema:latitude as \?latitude"):
        one_column("a").geopandas()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ImportError, match="pip install polars"):
        one_column(1).polars()
