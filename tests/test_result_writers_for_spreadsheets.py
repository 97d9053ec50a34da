"""A cell that begins as a formula does is harmless in a spreadsheet, wherever we write CSV for people."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Quad, Store

from citygraph.index.entities import Entity
from citygraph.matching.decisions import DecisionTable, NameQuery, Proposal, propose, read_decisions, write_decisions
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.sparql.result_writers import OneColumnSink
from citygraph.text import guarded, guarded_cell
from citygraph.web.search.explore import ExportedRows
from citygraph.wikidata.differences import ComparedEntity, ComparedStatement, Outcome, SourcedValue, to_csv

FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "'=1", '=HYPERLINK("x")')
FIGURES = ("-12", "+3.5", "-33.92, 18.42", "1996-04-24", "-0044-03-15", "2026-01-06T10:00:00Z", "1E-7")
PLAIN = ("İzmir", "a=b", "", "'s-Hertogenbosch", "https://x/=1", "–")


def is_harmless(cell: str) -> bool:
    """Whether no spreadsheet takes a cell for a formula that does anything."""
    return not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or cell in FIGURES


@pytest.mark.parametrize("text", [*FORMULAS, *FIGURES, *PLAIN])
def test_a_guarded_cell_is_harmless_and_can_be_had_back(text: str) -> None:
    """One apostrophe in front of what would run; figures and other texts stay as they are."""
    assert is_harmless(guarded_cell(text))
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    if text in FORMULAS:
        assert guarded_cell(text).removeprefix("'") == text
    else:
        assert guarded_cell(text) == text


def test_a_result_for_spreadsheets() -> None:
    """?format=sheet has a byte order mark and no formula; ?format=csv is the W3C's, and leaves all as it is."""
    store = Store()
    node = NamedNode("urn:x")
    store.extend(Quad(node, node, Literal(text)) for text in (*FORMULAS, *FIGURES))
    store.add(Quad(node, node, Literal("=1", language="en")))
    for name in ("sheet", "csv"):
        out = io.BytesIO()
        result = evaluate(store, Query("SELECT ?text ?s { ?s ?p ?text }", formats=(name,)))
        assert result.write(out) == len(store)
        assert result.format.content_type.startswith("text/csv; charset=utf-8")
        text = out.getvalue().decode()
        assert text.startswith("\ufeff") == (name == "sheet")
        cells = [row["text"] for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))]
        assert all(map(is_harmless, cells)) == (name == "sheet")
        assert {cell.removeprefix("'") for cell in cells} >= {text.removeprefix("'") for text in (*FORMULAS, *FIGURES)}


EMPTY = ("", "a", "", "", "\r\n\r\n", 'x"', "", '"', '""\r\n\r', "\n")


def test_rows_with_one_empty_value_are_read() -> None:
    """Readers skip empty lines, and so lost the rows of a result with one column whose value is empty or unbound."""
    values = " ".join(str(Literal(text)) for text in EMPTY)
    query = f"SELECT ?x {{ VALUES ?x {{ UNDEF {values} UNDEF }} }}"
    out = io.BytesIO()
    assert evaluate(Store(), Query(query, formats=("csv",))).write(out) == len(EMPTY) + 2
    whole, rows = evaluate(Store(), Query(query, formats=("csv",))).whole()
    assert (whole, rows) == (out.getvalue(), len(EMPTY) + 2)
    assert list(csv.reader(io.StringIO(whole.decode(), newline=""))) == [[text] for text in ("x", "", *EMPTY, "")]
    two = io.BytesIO()
    evaluate(Store(), Query("SELECT ?x ?y { VALUES ?x { '' } }", formats=("csv",))).write(two)
    assert two.getvalue() == b"x,y\r\n,\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_empty_values_are_found_in_any_parts(size: int) -> None:
    """A sink receives a file in parts of any length; a part may end within a line end or between two quotes."""
    out, whole = io.BytesIO(), io.StringIO(newline="")
    csv.writer(whole).writerows([text] for text in EMPTY)
    unquoted = whole.getvalue().replace('\n""\r', "\n\r").replace('\n""\r', "\n\r").encode().removeprefix(b'""')
    sink = OneColumnSink(out)
    for place in range(0, len(unquoted), size):
        part = unquoted[place : place + size]
        assert sink.write(part) == len(part)
    sink.flush()
    assert out.getvalue() == whole.getvalue().encode().removeprefix(b'""')


def test_a_comparison_with_wikidata() -> None:
    """Anybody can name a city there."""
    text = FORMULAS[0]
    change = ComparedStatement(
        Outcome.DIFFERS,
        ComparedEntity("urn:x", "Q1", text),
        "P625",
        ours=(SourcedValue("-33.92, 18.42", ()),),
        theirs=(SourcedValue(text, ()),),
        detail=text,
    )
    (row,) = csv.DictReader(io.StringIO(to_csv([change])))
    assert all(is_harmless(cell) for cell in row.values())
    assert (row["name"], row["ours"]) == (f"'{text}", "-33.92, 18.42")


def test_the_list_of_explore() -> None:
    """Names are whatever a source calls a place; years and coordinates stay (13.20)."""
    entity = Entity("x/id/city/a", FORMULAS[0], FORMULAS[1], "", -33.92, 18.42, "1996", 3, "")
    (row,) = csv.DictReader(io.StringIO(ExportedRows([entity]).as_csv()))
    assert all(is_harmless(row[name]) for name in ("id", "name_en", "name_tr"))
    assert (row["name_en"], row["latitude"]) == (f"'{FORMULAS[0]}", "-33.92")


def test_a_table_of_decisions(tmp_path: Path) -> None:
    """What a service called its candidates; the reader's own columns are the reader's, and read back the same."""
    text = FORMULAS[0]
    rows = [
        propose(
            NameQuery("-name of a file", "=x"), [Proposal("Q1", text, 90, True, text), Proposal("=2", text, 9, False)]
        )
    ]
    write_decisions(DecisionTable(tuple(rows)), tmp_path / "decisions.csv")
    with (tmp_path / "decisions.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert all(is_harmless(row[name]) for name in ("label", "why", "others"))
    assert row["name"] == "-name of a file"
    assert read_decisions(tmp_path / "decisions.csv").decided == {}
