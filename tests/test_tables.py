"""The tables: what a researcher opens, and what machines are told of it."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from arro3.io import read_parquet
from pyoxigraph import Store

from citygraph.build.tables import (
    cells_of,
    columns_of,
    is_text,
    table_name,
    table_queries,
    unordered_tables,
    write_tables,
)
from citygraph.errors import BadData
from citygraph.release.outputs import CSVW, PACKAGE
from citygraph.release.releases import Release
from citygraph.source.queries import StoredQuery, load_queries, read_query
from citygraph.text import guarded
from tests.conftest import REPOSITORY

TABLES = table_queries([REPOSITORY / "queries"])
NAMES = [
    *("agreement-dates", "agreement-parties", "agreements", "cities", "events", "organisations", "people"),
    *("populations", "sources", "tenures"),
]
# Each table by name; those in long form have a key of several columns.
KEYS = {table_name(query): query.key or ("iri",) for query in TABLES}


def rows(release: Release, name: str) -> list[dict[str, str]]:
    with (release.path / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.fixture(scope="session")
def package(izmir: Release) -> dict[str, Any]:
    return json.loads((izmir.path / PACKAGE.path).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_there_are_the_tables_that_were_asked_for() -> None:
    """Each with its columns described in every language."""
    assert [table_name(query) for query in TABLES] == NAMES
    for column in (column for query in TABLES for column in query.columns):
        for texts in (column.title, column.description):
            assert set(texts) >= {"en", "tr", "de"}
            assert all(texts.values())


def test_a_row_reads_as_the_graph_says(izmir: Release) -> None:
    """The dates of İzmir and Baku, in plain cells."""
    (baku,) = (row for row in rows(izmir, "agreements") if row["iri"].endswith("/izmir-baku"))
    assert baku["parties"] == "Baku; İzmir"
    assert (baku["council_act_date"], baku["protocol_date"], baku["days_to_protocol"]) == (
        "1985-09-04", "1986-04-28", "236",
    )  # fmt: skip


def test_a_partial_date_is_three_columns(izmir: Release) -> None:
    """(17) As stated, its first and its last day; so are several dates in a cell, in the same order."""
    (tianjin,) = (row for row in rows(izmir, "agreements") if row["iri"].endswith("/izmir-tianjin"))
    names = ("protocol_date", "protocol_first_day", "protocol_last_day")
    assert [tianjin[name] for name in names] == ["1991-09", "1991-09-01", "1991-09-30"]
    (baku,) = (row for row in rows(izmir, "agreements") if row["iri"].endswith("/izmir-baku"))
    assert baku["attested_on_first_day"] == baku["attested_on_last_day"] == baku["attested_on"]
    dates = [row for row in rows(izmir, "agreement-dates") if row["agreement_iri"].endswith("/izmir-baku")]
    stated = {(row["kind"], row["date"], row["date_first_day"], row["date_last_day"]) for row in dates}
    assert ("protocol", "1986", "1986-01-01", "1986-12-31") in stated
    assert ("protocol", "1986-04-28", "1986-04-28", "1986-04-28") in stated


@pytest.mark.parametrize(
    ("cell", "first", "last"),
    [
        ("1991-09", "1991-09-01", "1991-09-30"),
        ("2000-02; 2001", "2000-02-01; 2001-01-01", "2000-02-29; 2001-12-31"),
        ("unknown; 2001", "2001-01-01", "2001-12-31"),
        ("unknown", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_text_that_is_no_date_has_no_days(cell: str | None, first: str | None, last: str | None) -> None:
    """Nor has an empty cell; the other dates of the cell have theirs."""
    column = next(column for query in TABLES for column in query.columns if column.type == "date")
    assert cells_of([cell], [column]) == [cell, first, last]


def test_agreements_have_countries_and_continents(izmir: Release) -> None:
    """(17) In the wide form those of all parties, in the long form a row for each party."""
    (bremen,) = (row for row in rows(izmir, "agreements") if row["iri"].endswith("/izmir-bremen"))
    assert (bremen["countries"], bremen["continents"]) == ("Germany; Türkiye", "Asia; Europe")
    long = [row for row in rows(izmir, "agreement-parties") if row["agreement_iri"] == bremen["iri"]]
    assert [(row["party"], row["country"], row["continent"]) for row in long] == [
        ("Bremen", "Germany", "Europe"), ("İzmir", "Türkiye", "Asia"),
    ]  # fmt: skip
    assert {row["protocol_date"] for row in long} == {"1996-04-24"}


def test_a_population_is_a_number_with_its_year_and_whether_it_is_approximate(izmir: Release) -> None:
    """(17) In columns of their own; the long form has each figure with its source."""
    columns = ("population", "population_date", "population_is_approximate")
    told = {row["label_en"]: tuple(row[column] for column in columns) for row in rows(izmir, "cities")}
    assert told["Baku"] == ("2000000", "2009", "true")
    assert told["Tianjin"] == ("10000000", "2004", "false")
    assert told["Bremen"] == ("600000", "", "true")
    assert told["İzmir"] == ("", "", "")
    (baku,) = [row for row in rows(izmir, "populations") if row["place"] == "Baku"]
    assert (baku["value"], baku["date"], baku["source"]) == ("2000000", "2009", "izmir-sister-cities")


def test_an_agreement_has_its_last_documented_state(izmir: Release) -> None:
    """(15 §1) By the notation of its concept; empty where no source gives a state."""
    states = {row["iri"].rpartition("/")[2]: row["state"] for row in rows(izmir, "agreements")}
    names = ("izmir-baku", "izmir-gaza", "izmir-tel-aviv", "izmir-thessaloniki", "izmir-xiamen-letter-of-intent")
    assert [states[name] for name in names] == ["active", "decided", "ended", "planned", ""]


@pytest.mark.parametrize("name", NAMES)
def test_csv_is_rfc_4180(izmir: Release, name: str) -> None:
    """UTF-8 without a mark, CRLF, as many cells in each row as there are columns, one row for each thing."""
    raw = (izmir.path / "tables" / f"{name}.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    keys = [tuple(row[column] for column in KEYS[name]) for row in rows(izmir, name)]
    assert len(keys) == len(set(keys)) > 0
    assert [key[0] for key in keys] == sorted(key[0] for key in keys)


@pytest.mark.parametrize("query", TABLES, ids=NAMES)
def test_parquet_has_the_same_values_with_types(izmir: Release, query: StoredQuery) -> None:
    """Numbers are numbers, an empty cell is null, and a column says what it is."""
    name = table_name(query)
    table = read_parquet(izmir.path / "tables" / f"{name}.parquet").read_all()
    assert table.column_names == [column.name for column in columns_of(query.columns)]
    for column in columns_of(query.columns):
        cells = [row[column.name] for row in rows(izmir, name)]
        values = table.column(column.name).to_pylist()
        if is_text(column):
            assert values == [cell or None for cell in cells]
        else:
            assert values == [json.loads(cell) if cell else None for cell in cells]
        about = table.schema.field(column.name).metadata
        assert about[b"title_tr"].decode() == column.title["tr"]


@pytest.mark.parametrize("query", TABLES, ids=NAMES)
def test_cells_are_what_the_package_says(izmir: Release, package: dict[str, Any], query: StoredQuery) -> None:
    """Every cell fits its field's type and pattern; sizes and checksums are those of the files."""
    (resource,) = (each for each in package["resources"] if each["name"] == table_name(query))
    path = izmir.path / "tables" / resource["path"]
    assert resource["bytes"] == path.stat().st_size
    assert resource["hash"] == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert [field["name"] for field in resource["schema"]["fields"]] == [
        column.name for column in columns_of(query.columns)
    ]
    for field in resource["schema"]["fields"]:
        pattern = field.get("constraints", {}).get("pattern", ".*")
        number = r"-?\d+(\.\d+)?" if field["type"] == "number" else pattern
        for row in rows(izmir, resource["name"]):
            assert not row[field["name"]] or re.fullmatch(number, row[field["name"]], re.S), field["name"]


def test_the_package_says_whose_and_under_which_licence(izmir: Release, package: dict[str, Any]) -> None:
    """Title, version, licence and the sources; the version is that of the data."""
    assert package["version"] == izmir.manifest.digest[:12]
    assert package["licenses"][0]["name"] == "CC0-1.0"
    assert len(package["sources"]) == len(rows(izmir, "sources"))
    assert package["title"]
    assert package["title_tr"]


def test_csvw_names_the_same_columns(izmir: Release) -> None:
    """CSV on the Web: found by its name beside the tables; a list has its separator, a date its form."""
    csvw = json.loads((izmir.path / CSVW.path).read_text(encoding="utf-8"))
    for table, query in zip(csvw["tables"], TABLES, strict=True):
        header = (izmir.path / "tables" / table["url"]).read_text(encoding="utf-8").partition("\n")[0].strip()
        assert [column["titles"] for column in table["tableSchema"]["columns"]] == header.split(",")
        for said, column in zip(table["tableSchema"]["columns"], columns_of(query.columns), strict=True):
            assert ("separator" in said) == column.several


@pytest.mark.parametrize(
    ("text", "cell"),
    [("İzmir", "İzmir"), ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"),
     ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
     ("'s-Hertogenbosch", "'s-Hertogenbosch"), ("'=x", "''=x"), ("", "")],
)  # fmt: skip
def test_no_cell_runs_in_a_spreadsheet(text: str, cell: str) -> None:
    """Free text that would be a formula gets an apostrophe; taking one away gives it back."""
    assert guarded(text) == cell


def test_numbers_keep_their_minus_sign(izmir: Release) -> None:
    """What is no free text is no formula either."""
    assert any(row["longitude"].startswith("-") for row in rows(izmir, "cities"))
    (bukhara,) = (row for row in rows(izmir, "agreements") if row["iri"].endswith("/izmir-bukhara-province"))
    assert bukhara["days_to_protocol"] == "-8"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("SELECT ?x { ?x ?p ?o }", "selects x"), ("ASK {}", "must be a SELECT"), ("SELECT {", "x.rq"),
     ("SELECT ?iri ?n { VALUES (?iri ?n) { (<x:x> \"many\") } }", "'n' is of type integer")],
)  # fmt: skip
def test_a_table_that_is_not_as_its_head_says_is_told(tmp_path: Path, text: str, wrong: str) -> None:
    """The file is named."""
    title = "{en: N, tr: N}"
    column = f"title: {title}, description: {title}"
    path = tmp_path / "x.rq"
    path.write_text(
        f"#+ title: T\n#+ description: D\n#+ turkish: {{title: T, description: D}}\n#+ columns:\n"
        f"#+   iri: {{type: iri, {column}}}\n#+   n: {{type: integer, {column}}}\n{text}"
    )
    with pytest.raises(BadData, match=wrong):
        write_tables(Store, [read_query(path, "tables/x")], tmp_path)


@pytest.mark.parametrize(
    ("end", "missing"),
    [
        ("ORDER BY ?iri", ""),
        ("order by DESC(?n) STR(?iri) LIMIT 9", ""),
        ("ORDER BY ?n", "?iri"),
        ("ORDER BY ?n # not ?iri", "?iri"),
        ("GROUP BY ?n ?iri ORDER BY ?n", "?iri"),
        ("# ORDER BY ?iri", "?iri"),
        ("ORDER BY ?iri VALUES ?n { 1 2 }", ""),
        ("ORDER BY ?n VALUES ?iri { <https://x.example/#1> }", "?iri"),
        ("ORDER BY (STRLEN('}#')) ?iri", ""),
        ("ORDER BY EXISTS { ?n ?p 1 } ?iri", ""),
        ("HAVING (STR(?n) != 'ORDER BY ?iri')", "?iri"),
        ("LIMIT 'the build reports this error'", ""),
        ("", "?iri"),
    ],
)
def test_a_table_without_an_order_is_named(end: str, missing: str) -> None:
    """Rows with ties may come in any order, so that equal data would give other files."""
    text = f"SELECT ?iri ?n {{ {{ SELECT * {{ ?iri ?p ?n }} ORDER BY ?iri }} }}\n{end}"
    query = replace(TABLES[0], name="tables/own", text=text, key=("iri",))
    assert [sentence.split(" of its key")[0] for sentence in unordered_tables([query, *TABLES])] == (
        [f"tables/own.rq is not ordered by {missing}"] if missing else []
    )


def test_tables_are_the_same_in_another_process(izmir: Release, tmp_path: Path) -> None:
    """The same bytes: no order of a dictionary or a hash is in them."""
    code = (
        "import sys; from pathlib import Path; from pyoxigraph import Store; "
        "from citygraph.build.tables import table_queries, write_tables; "
        "write_tables(lambda: Store.read_only(sys.argv[1]), table_queries([Path(sys.argv[2])]), Path(sys.argv[3]))"
    )
    arguments = [str(izmir.store_path), str(REPOSITORY / "queries"), str(tmp_path)]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)
    written = sorted((tmp_path / "tables").iterdir())
    assert {table.partition(".")[0] for table in (path.name for path in written)} >= set(NAMES)
    for path in written:
        assert path.read_bytes() == (izmir.path / "tables" / path.name).read_bytes(), path.name


def test_all_heads_are_read() -> None:
    """A query without columns is none the worse."""
    assert any(not query.columns for query in load_queries(REPOSITORY / "queries").values())
