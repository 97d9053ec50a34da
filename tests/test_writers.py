"""Files for other programs, read back by those programs' own readers (17, Clients and files)."""

from __future__ import annotations

import io
import json
import math
import random
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode

from citygraph.errors import NotAcceptable
from citygraph.exports.typed_rows import WKT, ColumnKind, Term, TermTable, term_table, typed
from citygraph.exports.writers import WRITERS, write_export
from citygraph.rdf.partial_dates import EDTF
from citygraph.rdf.terms import XSD

ABOUT = (("title", "Cities"), ("licence", "https://example.org/licence"), ("citation", "Us"), ("issued", "2026-01-02"))
GEXF = {"g": "http://gexf.net/1.3"}


def reader(name: str) -> Any:
    """Returns a reader that others wrote, or skips the test with the reason."""
    return pytest.importorskip(name, reason=f"{name} is not installed, so that no file is read by it")


def iri(name: str) -> NamedNode:
    return NamedNode(f"https://example.org/{name}")


def of_type(text: str, datatype: str) -> Literal:
    return Literal(text, datatype=XSD(datatype))


def wkt(text: str) -> Literal:
    return Literal(text, datatype=NamedNode(WKT))


def table(names: str, *rows: Sequence[Term | None]) -> TermTable:
    return term_table(names.split(), rows, ABOUT)


def written(format_name: str, rows: TermTable) -> bytes:
    out = io.BytesIO()
    write_export(format_name, rows, out)
    return out.getvalue()


TYPES = table(
    "id text number count flag date lat lon",
    [iri("a"), Literal('=1+1 <İ&"x"', language="tr"), of_type("0.1", "decimal"), Literal(2**60), Literal(True),
     of_type("1991-09", "gYearMonth"), of_type("38.4", "double"), Literal(27)],
    [iri("b"), Literal("null"), of_type("1e-7", "double"), None, Literal(False), of_type("1868", "gYear"), None, None],
    [iri("c"), None, None, Literal(-3), None, None, of_type("0.333333333333", "decimal"), Literal(179)],
)  # fmt: skip

NETWORK = table(
    "source sourceLabel sourceLat target targetLabel targetLat agreement during",
    [iri("a"), Literal("A & Å"), of_type("1.5", "double"), iri("b"), Literal("B"), None, iri("t1"),
     Literal("1991-09/2000", datatype=EDTF)],
    [iri("b"), Literal("B"), None, iri("a"), Literal("A & Å"), of_type("1.5", "double"), iri("t1"),
     Literal("2010/..", datatype=EDTF)],
    [iri("a"), Literal("A & Å"), of_type("1.5", "double"), iri("b"), Literal("B"), None, iri("t2"), None],
    [iri("c"), Literal("C"), None, None, None, None, None, None],
)  # fmt: skip


def test_parquet_has_a_type_for_each_column() -> None:
    """polars and DuckDB read the types; nothing is guessed, and what has no value is null (17)."""
    polars = reader("polars")
    frame = polars.read_parquet(io.BytesIO(written("parquet", TYPES)))
    kinds = {name: str(kind) for name, kind in frame.schema.items()}
    assert kinds == {
        "id": "String", "text": "String", "number": "Float64", "count": "Int64", "flag": "Boolean", "date": "String",
        "date_first": "Date", "date_last": "Date", "lat": "Float64", "lon": "Int64",
    }  # fmt: skip
    assert frame["count"].to_list() == [2**60, None, -3]
    assert frame["number"].to_list() == [0.1, 1e-7, None]
    assert frame["text"].to_list() == ['=1+1 <İ&"x"', "null", None]
    assert [str(day) for day in frame["date_last"].to_list()] == ["1991-09-30", "1868-12-31", "None"]


def test_parquet_says_its_licence_to_every_reader(tmp_path: Path) -> None:
    """In the metadata of the file, which DuckDB shows (17)."""
    duckdb = reader("duckdb")
    (tmp_path / "a.parquet").write_bytes(written("parquet", TYPES))
    path = str(tmp_path / "a.parquet")
    known = dict(duckdb.execute("SELECT key, value FROM parquet_kv_metadata(?)", [path]).fetchall())
    assert known[b"licence"] == b"https://example.org/licence"
    assert known[b"citation"] == b"Us"


@pytest.mark.filterwarnings("ignore")
def test_parquet_of_geometries_is_geoparquet() -> None:
    """geopandas reads a WKT column with its coordinates to the last digit (17)."""
    geopandas = reader("geopandas")
    rows = table("name where", [Literal("x"), wkt("POINT(0.3333333333333333 1e-7)")], [Literal("y"), None])
    frame = geopandas.read_parquet(io.BytesIO(written("parquet", rows)))
    assert (frame.geometry[0].x, frame.geometry[0].y) == (0.3333333333333333, 1e-7)
    assert frame.geometry[1] is None
    assert frame.crs.to_string() == "OGC:CRS84"


def test_years_that_readers_lack_are_text_with_an_integer_year() -> None:
    """No reader fails on 44 BC (17)."""
    polars = reader("polars")
    rows = table("died", [of_type("-0043-03-15", "date")], [of_type("1991", "gYear")], [None])
    frame = polars.read_parquet(io.BytesIO(written("parquet", rows)))
    assert frame["died_first"].to_list() == ["-0043-03-15", "1991-01-01", None]
    assert frame["died_year"].to_list() == [-43, 1991, None]


def test_workbook_has_dates_numbers_and_no_formulas() -> None:
    """openpyxl reads what was meant; a column with a day before March 1900 is text (17)."""
    openpyxl = reader("openpyxl")
    late = table(
        "on n t", [of_type("1991-09-15", "date"), Literal(3), Literal("=1+1")], [None, None, Literal("http://x")]
    )
    book = openpyxl.load_workbook(io.BytesIO(written("xlsx", late)))
    sheet = book["result"]
    assert [cell.value for cell in sheet[1]] == ["on", "on_first", "on_last", "n", "t"]
    assert str(sheet["B2"].value) == "1991-09-15 00:00:00"
    assert (sheet["D2"].value, sheet["E2"].value, sheet["E2"].data_type) == (3, "=1+1", "s")
    assert (sheet["B3"].value, sheet["E3"].hyperlink) == (None, None)
    assert [cell.value for cell in book["about"][2]] == ["licence", "https://example.org/licence"]
    early = openpyxl.load_workbook(io.BytesIO(written("xlsx", TYPES)))["result"]
    assert [early.cell(row, 7).value for row in (2, 3, 4)] == ["1991-09-01", "1868-01-01", None]
    assert [early.cell(row, 4).value for row in (2, 3, 4)] == [str(2**60), None, "-3"]


def test_text_that_a_cell_would_cut_is_an_error() -> None:
    """Nothing is left out in silence (17)."""
    with pytest.raises(NotAcceptable, match="column t, row 2 is too long"):
        written("xlsx", table("t", [Literal("x" * 32_767)], [Literal("x" * 32_768)]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["geojson", "gpkg"])
def test_gdal_reads_places(name: str, tmp_path: Path) -> None:
    """Rows without coordinates are kept; a day is a date, a missing value is null (17)."""
    pyogrio = reader("pyogrio")
    path = tmp_path / f"places.{name}"
    path.write_bytes(written(name, TYPES))
    meta, _, geometries, fields = pyogrio.raw.read(path)
    values = dict(zip(meta["fields"], fields, strict=True))
    info = pyogrio.read_info(path)
    assert (info["geometry_type"], len(geometries)) == ("Point", 3)
    assert [geometry is None for geometry in geometries] == [False, True, False]
    assert list(values["text"]) == ['=1+1 <İ&"x"', "null", None]
    assert str(values["date_first"][0])[:10] == "1991-09-01"
    if name == "gpkg":
        assert info["crs"] == "EPSG:4326"
        assert tuple(info["total_bounds"]) == (27.0, 0.333333333333, 179.0, 38.4)


def test_geojson_has_no_property_that_hides_the_identifier() -> None:
    """A column `id` gets another name; the coordinates have all their digits (17)."""
    features = json.loads(written("geojson", TYPES))["features"]
    assert features[0]["properties"]["id_"] == "https://example.org/a"
    assert features[2]["geometry"]["coordinates"] == [179.0, 0.333333333333]
    assert features[1]["geometry"] is None


def test_lines_and_areas_are_cut_at_the_antimeridian() -> None:
    """Between Asia and America a tie is two lines, not one around the world (17)."""
    names = "sourceLat sourceLon targetLat targetLon"
    ends = [of_type(text, "double") for text in ("35.0", "170.0", "21.0", "-150.0")]
    [feature] = json.loads(written("geojson", table(names, ends)))["features"]
    assert feature["geometry"]["type"] == "MultiLineString"
    (west, border), (other_border, east) = feature["geometry"]["coordinates"]
    assert (west, east) == ([170.0, 35.0], [-150.0, 21.0])
    assert (border[0], other_border[0], border[1]) == (180.0, -180.0, other_border[1])
    area = table("area", [wkt("POLYGON((170 0, 190 0, 190 10, 170 10, 170 0))")])
    [feature] = json.loads(written("geojson", area))["features"]
    assert feature["geometry"]["type"] == "MultiPolygon"
    longitudes = [sorted({p[0] for p in polygon[0]}) for polygon in feature["geometry"]["coordinates"]]
    assert longitudes == [[170.0, 180.0], [-180.0, -170.0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("POINT Z (1 2 3)", {"type": "Point", "coordinates": [1, 2, 3]}),
        ("<http://www.opengis.net/def/crs/EPSG/0/4326> POINT(38 27)", {"type": "Point", "coordinates": [27, 38]}),
        ("MULTIPOINT((1 2),(3 4))", {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}),
        ("LINESTRING(1 2, 3 4)", {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}),
        ("GEOMETRYCOLLECTION(POINT(1 2))",
         {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]}),
        ("POINT EMPTY", None),
    ],
)  # fmt: skip
def test_wkt_is_read(text: str, expected: Any) -> None:
    """Also with a reference system, whose axes may be in the other order (17)."""
    [feature] = json.loads(written("geojson", table("where", [wkt(text)])))["features"]
    assert feature["geometry"] == expected


@pytest.mark.parametrize("text", ["POINT(1)", "POINT(1 95)", "CIRCLE(1 2)", "POINT(1 2", "<http://x> POINT(1 2)"])
def test_geometry_that_cannot_be_read_is_named(text: str) -> None:
    """The error says which row it is (17)."""
    with pytest.raises(NotAcceptable, match="row 2"):
        written("geojson", table("where", [wkt("POINT(1 2)")], [wkt(text)]))


@pytest.mark.parametrize(
    ("name", "needed"),
    [("geojson", "columns lat and lon"), ("gpkg", "columns lat and lon"), ("gexf", r"\?source and \?target"),
     ("graphml", r"\?source and \?target"), ("nodelink", r"\?source"), ("edges", r"\?source")],
)  # fmt: skip
def test_error_names_the_columns_that_are_needed(name: str, needed: str) -> None:
    """A table of years is neither a map nor a network (17)."""
    with pytest.raises(NotAcceptable, match=needed) as caught:
        written(name, table("year n", [of_type("1991", "gYear"), Literal(3)]))
    assert "application/vnd.apache.parquet" in caught.value.offered


@pytest.mark.parametrize("name", WRITERS)
def test_result_without_rows_is_a_file_without_rows(name: str) -> None:
    """That nothing was found is an answer (17)."""
    assert written(name, table("source target"))


def test_gexf_has_spells_in_days() -> None:
    """Partial dates are widened; a tie that began again is one edge with two spells (17)."""
    root = ET.fromstring(written("gexf", NETWORK))  # noqa: S314 - it is our own
    graph = root.find("g:graph", GEXF)
    assert graph is not None
    assert graph.get("timeformat") == "date"
    edges = graph.findall(".//g:edge", GEXF)
    spells = [[spell.attrib for spell in edge.findall(".//g:spell", GEXF)] for edge in edges]
    assert spells == [[{"start": "1991-09-01", "end": "2000-12-31"}, {"start": "2010-01-01"}], []]
    networkx = reader("networkx")
    read = networkx.read_gexf(io.BytesIO(written("gexf", NETWORK)))
    assert read.nodes["https://example.org/a"]["label"] == "A & Å"
    assert read.nodes["https://example.org/a"]["lat"] == 1.5
    assert "lat" not in read.nodes["https://example.org/b"]
    assert (read.number_of_nodes(), read.number_of_edges()) == (3, 2)
    assert {data["agreement"] for _, _, data in read.edges(data=True)} == {
        "https://example.org/t1",
        "https://example.org/t2",
    }


@pytest.mark.filterwarnings("ignore")
def test_igraph_reads_graphml(tmp_path: Path) -> None:
    """Each attribute has one type, and the agreement is an attribute of the edge (17)."""
    igraph = reader("igraph")
    path = tmp_path / "network.graphml"
    path.write_bytes(written("graphml", NETWORK))
    graph = igraph.Graph.Read_GraphML(str(path))
    assert graph.vs["label"] == ["A & Å", "B", "C"]
    assert graph.vs["lat"][0] == 1.5
    assert math.isnan(graph.vs["lat"][1])
    assert graph.es["agreement"] == ["https://example.org/t1", "https://example.org/t2"]
    assert graph.es["during_first"] == ["1991-09-01; 2010-01-01", ""]
    assert graph["licence"] == "https://example.org/licence"


def test_networkx_reads_node_link_json() -> None:
    """Two agreements between two cities are two edges (17)."""
    networkx = reader("networkx")
    graph = networkx.node_link_graph(json.loads(written("nodelink", NETWORK)))
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (3, 2)
    assert graph.graph["citation"] == "Us"


def test_edge_list_names_the_ends() -> None:
    """A line for each edge (17)."""
    lines = written("edges", NETWORK).decode().splitlines()
    assert lines[0] == "source,target,source_label,target_label,agreement,during,during_first,during_last"
    assert lines[2] == "https://example.org/a,https://example.org/b,A & Å,B,https://example.org/t2,,,"
    assert len(lines) == 3


def _value(kind: str, draw: random.Random) -> Term | None:
    """Returns a random value of a kind, sometimes none."""
    letters = "aİşqΩя中𝔸 <&>\"'=,;+-@0"
    text = "".join(draw.choices(letters, k=draw.randint(1, 12))).strip() or "-"
    double = draw.uniform(-1, 1) * 10.0 ** draw.randint(-30, 30)
    values: dict[str, Term | None] = {
        "text": Literal(text, language="tr"),
        "iri": iri(str(draw.randint(0, 99))),
        "integer": Literal(draw.randint(-(2**53), 2**53)),
        "number": draw.choice([of_type(repr(double), "double"), Literal(draw.randint(-9, 9))]),
        "boolean": Literal(draw.random() < 0.5),
        "date": of_type(date.fromordinal(draw.randint(1, date.max.toordinal())).isoformat(), "date"),
        "year": of_type(f"{draw.randint(1, 9999):04}", "gYear"),
        "mixed": (Literal(text), Literal(draw.randint(0, 9)), BlankNode("x"), iri("a"))[draw.randint(0, 3)],
    }
    return None if draw.random() < 0.2 else values[kind]


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_read_back_equal(seed: int) -> None:
    """Whatever the columns hold, Parquet, XLSX and GeoJSON give the same values (17)."""
    polars, openpyxl = reader("polars"), reader("openpyxl")
    draw = random.Random(seed)  # noqa: S311
    kinds = ("text", "iri", "integer", "number", "boolean", "date", "year", "mixed")
    rows = table(
        f"{' '.join(kinds)} lat lon",
        *([*(_value(kind, draw) for kind in kinds), Literal(3.5), Literal(7.25)] for _ in range(draw.randint(1, 60))),
    )
    expected = typed(rows)
    frame = polars.read_parquet(io.BytesIO(written("parquet", rows)))
    sheet = openpyxl.load_workbook(io.BytesIO(written("xlsx", rows)))["result"]
    features = json.loads(written("geojson", rows))["features"]
    for place, column in enumerate(expected.columns):
        is_day = column.kind is ColumnKind.DAY
        assert [day.isoformat() if is_day and day else day for day in frame[column.name]] == column.values
        assert [feature["properties"][column.name] for feature in features] == column.values
        cells = [sheet.cell(number, place + 1).value for number in range(2, expected.size + 2)]
        if column.kind is ColumnKind.NUMBER:
            # The library writes 16 digits.
            assert cells == [None if one is None else pytest.approx(one, rel=1e-15) for one in column.values]
        else:
            # Days before March 1900 are text.
            assert [str(one)[:10] if is_day and one else one for one in cells] == column.values
