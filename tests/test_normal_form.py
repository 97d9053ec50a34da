"""The normal form of a query: one text for all spellings, with the same result, and the order of the rows in it."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest

from citygraph.errors import CitygraphError, QuerySyntaxError, UsageError
from citygraph.graph.examples import examples_in
from citygraph.instance import current_instance
from citygraph.release.releases import Release
from citygraph.source.files import Sources
from citygraph.source.queries import load_queries
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.normal_form import cuts_unordered, normal_form, readable, sort_columns, values_in
from citygraph.sparql.protocol import Query

DAY = date(2026, 3, 2)
PARTNERS = 'SELECT ?x { ?x <https://w3id.org/citygraph/ontology#party> ?y FILTER (STR(?y) != "a\\nb"@en) } LIMIT 3'


def normal(text: str) -> str:
    return normal_form(text, DAY)


@pytest.mark.parametrize(
    "text",
    [
        "select  ?x where{?x cg:party ?y.filter(str(?y)!='''a\nb'''@en)} limit 3",
        "PREFIX c: <https://w3id.org/citygraph/ontology#> "
        "SELECT $x { $x c:party $y FILTER(STR($y) != 'a\\nb'@en) } LIMIT 3",
        "BASE <https://w3id.org/citygraph/> # a comment\n"
        'SELECT ?x{?x<ontology#party>?y FILTER(STR(?y)!="a\\u000Ab"@en).}LIMIT 3',
        PARTNERS.replace("party", "part\\u0079"),
    ],
)
def test_spellings_of_a_query_have_one_normal_form(text: str) -> None:
    """Spaces, comments, case, prefixes, escapes, quotes, WHERE and optional dots do not count (17, Citation)."""
    assert normal(text) == PARTNERS
    assert normal(PARTNERS) == PARTNERS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ASK { ?x a cg:City }", "ASK { ?y a cg:City }"),
        ('ASK { ?x rdfs:label "a"@en }', 'ASK { ?x rdfs:label "A"@en }'),
        ("ASK { ?x cg:value 1 }", "ASK { ?x cg:value 1.0 }"),
        ("ASK { ?x a cg:City . ?x cg:party ?y }", "ASK { ?x cg:party ?y . ?x a cg:City }"),
    ],
)
def test_names_of_variables_and_the_order_of_patterns_are_kept(one: str, other: str) -> None:
    """What could change the result, or names its columns, makes another query (17, Citation)."""
    assert normal(one) != normal(other)


def test_now_is_the_day_of_the_citation() -> None:
    """A query with NOW() can be computed again: the day is written into it (17, Citation)."""
    now = '"2026-03-02T00:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime>'
    assert normal("SELECT (now( ) AS ?n) {}") == f"SELECT ({now} AS ?n) {{ }}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("SELECT (RAND() AS ?x) {}", "RAND"),
        ("SELECT (struuid() AS ?x) {}", "STRUUID"),
        ("SELECT ?x { SERVICE <http://a.org> { ?x a ?y } }", "SERVICE"),
        ("ASK { nowhere:x a ?y }", "nowhere: is not declared"),
        ("ASK { <http://a\\u003E.org> a ?y }", "is not an IRI"),
        ('ASK { ?x a "\\uD800" }', "surrogate"),
        ("ASK { ?x a }", "line 1, column 12"),
    ],
)
def test_query_that_cannot_be_repeated_is_refused(text: str, problem: str) -> None:
    """The error says why (17, Citation)."""
    with pytest.raises(UsageError, match=problem):
        normal(text)


def test_every_stored_query_has_a_normal_form_with_the_same_result(sources: Sources, izmir: Release) -> None:
    """So has the form for readers; and only an undeclared order makes a query's rows a choice of the engine."""
    store = izmir.open_store()

    def result(text: str) -> bytes:
        out = BytesIO()
        evaluate(store, Query(text, formats=("json", "nt"))).write(out)
        return out.getvalue()

    queries = load_queries(*sources.query_folders, examples=examples_in(store, current_instance()))
    for query in queries.values():
        # The tables take as long as all the others.
        if query.name.startswith("tables/"):
            continue
        text = normal(query.text)
        assert normal(readable(text)) == text, query.name
        # All evaluated take seconds; they are spelt alike.
        if query.name in ("partners", "procedure", "tie-by-year", "place-names-by-source"):
            assert result(text) == result(query.text), query.name


def test_values_are_read_from_the_block_of_a_parameter() -> None:
    """Braces in a string do not end the block; a parameter without a block is an error (17, Citation)."""
    text = normal("SELECT * { VALUES ?city { city:izmir '}' 1 } ?city a ?kind }")
    assert values_in(text, ["city"]) == {"city": '<https://w3id.org/citygraph/id/city/izmir> "}" 1'}
    with pytest.raises(UsageError, match="'kind' has no VALUES"):
        values_in(text, ["kind"])


@pytest.mark.parametrize(
    ("text", "columns", "is_cut"),
    [
        ("SELECT * { ?s ?p ?o } ORDER BY ?s DESC(?p) LCASE(?o) (?o + 1) ASC(?o) LIMIT 3", ("s", "p", "o"), False),
        ("SELECT * { { SELECT ?s { ?s ?p ?o } ORDER BY ?s LIMIT 3 } }", (), False),
        ("SELECT * { { SELECT ?s { ?s ?p ?o } LIMIT 3 } } ORDER BY ?s", ("s",), True),
        ("SELECT * { ?s ?p ?o } OFFSET 1", (), True),
        ("CONSTRUCT WHERE { ?s ?p ?o } LIMIT 3", (), True),
        ("SELECT * { ?s ?p ?o }", (), False),
        ("SELECT * { ?s ?p ?o } LIMIT 3 VALUES ?s { 1 }", (), True),
        ("SELECT * { ?s ?p ?o } ORDER BY ?s LIMIT 3 VALUES ?s { 1 }", ("s",), False),
        ("SELECT (COUNT(*) + 1 AS ?n) { ?s ?p ?o } LIMIT 1", (), False),
        ("SELECT (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?s LIMIT 1", (), True),
        ("SELECT (COUNT(*) AS ?n) { { SELECT * { ?s ?p ?o } LIMIT 9 } } LIMIT 1", (), True),
        ("SELECT * { ?s ?p ?o } OFFSET 00", (), False),
        ("SELECT * { ?s ?p ?o } OFFSET 10 LIMIT 1", (), True),
    ],
)
def test_order_of_a_query_is_known(text: str, columns: tuple[str, ...], is_cut: bool) -> None:
    """Only the outer ORDER BY sorts the rows; a LIMIT anywhere without an order lets the engine choose them."""
    assert sort_columns(normal(text)) == columns
    assert cuts_unordered(normal(text)) is is_cut


def test_error_is_that_of_the_text_as_it_was_sent() -> None:
    """Line and column are those of the reader's query."""
    with pytest.raises(QuerySyntaxError) as raised:
        normal("SELECT ?x {\n  ?x cg:party }")
    assert (raised.value.line, raised.value.column) == (2, 15)
    assert isinstance(raised.value, CitygraphError)
