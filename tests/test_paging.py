"""Pages of a query's rows: a total order, and the part of the rows."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pyoxigraph import Store

from citygraph.errors import UsageError
from citygraph.rdf.terms import PREFIXES
from citygraph.source.queries import load_queries
from citygraph.sparql.functions import functions_of
from citygraph.sparql.paging import count_of, page_of, selected_names
from tests.small import REPOSITORY

VALUES = ('"a"@en', '"a"@tr', '"a"', "1", "1.0", "1e0", "<x:a>", "true", '"b"^^<x:y>', "UNDEF")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT ?a $b (COUNT(?c * 2) AS ?n) WHERE { ?a ?b ?c }", ("a", "b", "n")),
        ("PREFIX x: <x:?no#{> # ?not { this\nSELECT DISTINCT ?a FROM <x:y> { ?a ?b '?c }' }", ("a",)),
        ("SELECT * { ?a ?b ?c { SELECT ?d { ?d ?e 1 } } }", ("a", "b", "c", "d", "e")),
        ("ASK { ?a ?b ?c }", ()),
    ],
)
def test_selected_names_are_those_of_the_result(text: str, names: tuple[str, ...]) -> None:
    """Strings, IRIs and comments have none (17)."""
    assert selected_names(text) == names


def rows(text: str) -> list[str]:
    """Returns the rows as text."""
    return [str([str(term) for term in row]) for row in Store().query(text)]  # type: ignore[union-attr]


@pytest.mark.parametrize("tail", ["", "ORDER BY ?n", "ORDER BY DESC(?n) LIMIT 17 OFFSET 2", "LIMIT 5"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_pages_are_all_rows_each_once(tail: str, size: int) -> None:
    """Whatever order the engine gives equal rows: it is another for each page (17)."""
    pages: list[str] = []
    for start in range(0, 30, size):
        shuffled = random.sample(VALUES, len(VALUES))
        inner = f"VALUES ?v {{ {' '.join(shuffled)} }} VALUES ?n {{ 2 1 }}"
        pages += rows(page_of(f"SELECT ?v ?n {{ {inner} }} {tail}", start, size))
    whole = rows(page_of(f"SELECT ?v ?n {{ VALUES ?v {{ {' '.join(VALUES)} }} VALUES ?n {{ 2 1 }} }} {tail}", 0, 100))
    assert pages == whole
    assert len(set(whole)) == {"": 20, "ORDER BY ?n": 20, "LIMIT 5": 5}.get(tail, 17)


def test_values_after_the_query_stay_after_it() -> None:
    """SPARQL has them last (17)."""
    text = "SELECT ?a ?b { BIND(1 AS ?b) } ORDER BY ?a LIMIT 3 VALUES ?a { 4 3 2 1 }"
    assert len(rows(page_of(text, 0, 2))) == 2
    assert len(rows(page_of(text, 2, 2))) == 1


@pytest.mark.parametrize(
    "text",
    ["SELECT ?v { VALUES ?v { 1 2 3 } }", "SELECT DISTINCT ?v FROM <x:y> WHERE { VALUES ?v { 1 2 2 3 } } ORDER BY ?v",
     "PREFIX x: <y:z>\nSELECT ?v { } LIMIT 3 VALUES ?v { 1 2 3 4 }",
     "SELECT (COUNT(*) AS ?n) { VALUES ?v { 1 } } GROUP BY ?v"],
)  # fmt: skip
def test_rows_are_counted(text: str) -> None:
    """Also with a dataset, a limit and groups (17)."""
    [row] = Store().query(count_of(text))  # type: ignore[misc]
    assert int(row["rows"].value) == (1 if "GROUP" in text else 3)


def test_only_tables_have_pages() -> None:
    """The error says so (17)."""
    with pytest.raises(UsageError, match="only the rows of a SELECT query"):
        page_of("CONSTRUCT { ?a ?b ?c } WHERE { ?a ?b ?c }", 0, 10)


def test_every_stored_query_has_pages() -> None:
    """Each still parses with its order made total (17)."""
    store = Store()
    functions = functions_of(store)
    for query in load_queries(Path(REPOSITORY / "queries")).values():
        for text in (page_of(query.text, 0, 10), count_of(query.text)):
            store.query(text, prefixes=PREFIXES, custom_functions=functions)
