"""Queries for a store: the same query over the graphs of one release in it (18 §2)."""

from __future__ import annotations

import pytest

from citygraph.rdf.formats import Kind
from citygraph.sparql.protocol import Query
from citygraph.stores.release_names import ReleaseNames
from citygraph.stores.translation import NotTranslated, translate

NAMES = ReleaseNames("0123456789abcdef0123456789abcdef")
DEFAULT, GRAPHS = f"GRAPH <{NAMES.default_graph}>", f"GRAPH <{NAMES.graph_list}>"


def text_of(query: str, default: tuple[str, ...] = (), named: tuple[str, ...] = ()) -> str:
    """The translated text."""
    return translate(Query(query, default, named), NAMES).text


def test_patterns_are_read_from_the_default_graph_of_the_release() -> None:
    """Each block of triples, also within OPTIONAL, UNION, MINUS and EXISTS."""
    text = text_of(
        "SELECT ?s { ?s a cg:City . OPTIONAL { ?s rdfs:label ?l } { ?s ?p 1 } UNION { ?s ?p 2 } "
        "MINUS { ?s ?q 3 } FILTER NOT EXISTS { ?s ?r 4 } }"
    )
    assert text.count(DEFAULT) == 6
    assert f"NOT EXISTS {{ {DEFAULT} {{ ?s ?r 4 }} }}" in text


def test_a_named_graph_is_read_by_its_name_in_the_store() -> None:
    """Its public name is a part of that name, and patterns within it are left alone."""
    text = text_of("SELECT ?s { GRAPH source:page { ?s ?p ?o OPTIONAL { ?s a ?c } } }")
    assert f"GRAPH <{NAMES.graph('https://w3id.org/citygraph/source/page')}>" in text
    assert DEFAULT not in text


def test_the_variable_of_a_graph_gets_the_public_name() -> None:
    """So that it can be joined with statements about the source, and no other graph of the store is read."""
    text = text_of("SELECT ?g { GRAPH ?g { ?s ?p ?o } ?g rdfs:label ?l }")
    assert f"GRAPH ?cgs1 {{ ?s ?p ?o }} {GRAPHS} {{ ?cgs1 <urn:x-citygraph:graph> ?g }}" in text


def test_computed_iris_have_the_base_of_the_request() -> None:
    """It is not that of the store."""
    assert text_of("SELECT (IRI('x') AS ?x) {}").startswith("BASE <https://w3id.org/citygraph/> SELECT")


def test_a_star_stands_for_the_variables_of_the_query_alone() -> None:
    """In the order of the engines, without the variables that the translation adds."""
    assert text_of("SELECT * { GRAPH ?g { ?b ?a ?c } } VALUES ?d { 1 }").startswith("SELECT ?a ?b ?c ?d ?g {")
    assert "SELECT ?x ?y" in text_of("SELECT ?x { { SELECT * { ?y ?x 1 } } }")


def test_ask_and_construct_are_sent_as_select() -> None:
    """Their rows are turned into true, false or a graph here."""
    ask = translate(Query("ASK { ?s ?p ?o }"), NAMES)
    assert (ask.kind, ask.text) == (Kind.BOOLEAN, f"SELECT (1 AS ?cgsrow) {{ {DEFAULT} {{ ?s ?p ?o }} }} LIMIT 1")
    graph = translate(Query("CONSTRUCT { ?s a [] } WHERE { ?s ?p ?o } LIMIT 3"), NAMES)
    assert (graph.kind, graph.text) == (Kind.GRAPH, f"SELECT ?s {{ {DEFAULT} {{ ?s ?p ?o }} }} LIMIT 3")


def test_the_dataset_of_the_request_replaces_the_graphs() -> None:
    """One default graph, and the named graphs that are listed."""
    page = "https://w3id.org/citygraph/source/page"
    query = "SELECT ?s FROM source:news { ?s ?p ?o GRAPH source:page { ?s a ?c } }"
    text = text_of(query, (page,), (page,))
    assert text.count(f"GRAPH <{NAMES.graph(page)}>") == 2
    assert "FROM" not in text


@pytest.mark.parametrize(
    "query",
    [
        "DESCRIBE city:izmir",
        "SELECT ?s FROM source:page FROM source:news { ?s ?p ?o }",
        "SELECT (cg:fold(?o) AS ?x) { ?s ?p ?o }",
        "SELECT (<bif:upper>(?o) AS ?x) { ?s ?p ?o }",
        "SELECT ?s { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }",
        "SELECT ?g { GRAPH ?g { ?s ?p ?o FILTER(?g != ?s) } }",
        "SELECT ?g { GRAPH ?g {} }",
        "SELECT ?g { GRAPH ?g { { SELECT ?s { ?s ?p ?o } } } }",
        "SELECT ?g { GRAPH ?g { ?s ?p ?o FILTER EXISTS { ?s a ?c } } }",
        "SELECT ?g { GRAPH ?g { ?s ?p ?o MINUS { ?s a ?c } } }",
        "SELECT ?s { ?s <http://example.org/a/../b> ?o }",
        "SELECT ?s { ?s ?p _:a FILTER(?s != 1) _:a ?q ?o }",
        "SELECT ?cgs1 { ?cgs1 ?p ?o }",
        "SELECT ?s { ?s ?p",
        "INSERT DATA { <urn:a> <urn:b> 1 }",
        "DEFINE input:inference 'x' SELECT ?s { ?s ?p ?o }",
        "SELECT ?s { ?s unknown:p ?o }",
    ],
)
def test_what_stores_do_not_have_in_common_is_left_to_the_release(query: str) -> None:
    """Functions of ours and of the store, several default graphs, faulty texts."""
    with pytest.raises(NotTranslated):
        translate(Query(query), NAMES)


def test_a_text_cannot_leave_the_graphs_of_the_release() -> None:
    """Strings, comments and IRIs that look like syntax are written in one spelling."""
    text = text_of("""SELECT ?s { ?s ?p '''} } GRAPH ?x { "''' # } GRAPH ?y {
    }""")
    assert text == f'SELECT ?s {{ {DEFAULT} {{ ?s ?p "}} }} GRAPH ?x {{ \\"" }} }}'


@pytest.mark.parametrize(
    ("pattern", "is_mixed"),
    [
        ("?s cg:value ?v FILTER(?v > 1)", False),
        ("?s cg:value ?v FILTER(1.5 <= ?v)", False),
        ("?s cg:value ?v, ?w FILTER(?v < ?w)", False),
        ('?s cg:value ?v FILTER(?v > "1")', True),
        ('?s cg:date ?v FILTER(?v > "1996-04-24"^^xsd:date)', False),
        ('?s cg:date ?v FILTER(?v > "1996-04"^^xsd:gYearMonth)', True),
        ("?s cg:other ?v FILTER(?v > 1)", True),
        ("?s cg:value ?v . ?t cg:other ?v FILTER(?v > 1)", True),
        ("?s ?p ?v FILTER(?v > 1)", True),
        ("?s ^cg:value ?v FILTER(?v > 1)", True),
        ("{ SELECT ?s (COUNT(?o) AS ?n) { ?s ?p ?o } GROUP BY ?s } FILTER(?n >= 2)", False),
        ("{ SELECT ?s (MAX(?o) AS ?n) { ?s cg:value ?o } GROUP BY ?s } FILTER(?n >= 2)", False),
        ("?s ?p ?o BIND(STRLEN(?o) AS ?n) FILTER(?n >= 2)", False),
        ("?s ?p ?o BIND(?o AS ?n) FILTER(?n >= 2)", True),
        ('?s ?p ?o FILTER(STR(?o) < "b")', False),
        ("VALUES ?n { 1 2 } ?s cg:value ?v FILTER(?v >= ?n)", False),
        ("VALUES ?n { 1 'a' } ?s cg:value ?v FILTER(?v >= ?n)", True),
        ("VALUES (?n ?m) { (1 2) } ?s cg:value ?v FILTER(?v >= ?n)", True),
        ("?s cg:value ?v FILTER(?v = 'a' && ?v != 2)", False),
    ],
)
def test_comparisons_of_one_kind_are_recognised(pattern: str, is_mixed: bool) -> None:
    """By the predicates whose values are all of one kind; what is not known counts as mixed."""
    uniform = {
        f"https://w3id.org/citygraph/ontology#{name}": kind for name, kind in (("value", "number"), ("date", "date"))
    }
    plan = translate(Query(f"SELECT ?s {{ {pattern} }}"), NAMES, uniform)
    assert ("comparison:mixed" in plan.constructs) == is_mixed


@pytest.mark.parametrize(
    ("pattern", "has_texts"),
    [
        ('?s cg:name ?v FILTER(?v < "b")', True),
        ("?s cg:name ?v, ?w FILTER(?v > ?w)", True),
        ('?s cg:name ?v FILTER(?v = "b")', False),
        ('?s ?p ?o FILTER(STR(?o) < "b")', False),
    ],
)
def test_comparisons_of_texts_in_the_data_are_recognised(pattern: str, has_texts: bool) -> None:
    """Virtuoso 7.2.5 answers them otherwise than those of STR."""
    plan = translate(Query(f"SELECT ?s {{ {pattern} }}"), NAMES, {"https://w3id.org/citygraph/ontology#name": "text"})
    assert ("comparison:text" in plan.constructs) == has_texts


@pytest.mark.parametrize(
    ("pattern", "is_open"),
    [
        ("{ VALUES ?c { cg:City } ?s a ?c OPTIONAL { ?s rdfs:label ?l } }", False),
        ("{ VALUES ?s { city:izmir } ?s a ?c OPTIONAL { ?s rdfs:label ?l } }", True),
        ("{ VALUES (?c) { (UNDEF) } ?s a ?c OPTIONAL { ?s rdfs:label ?l } }", True),
        ("{ ?s a ?c OPTIONAL { ?s rdfs:label ?l } } VALUES ?c { cg:City }", True),
        ("{ ?s a ?c } VALUES ?c { cg:City }", False),
    ],
)
def test_values_that_optional_variables_may_need_are_a_part_of_their_own(pattern: str, is_open: bool) -> None:
    """(18 §2) Virtuoso fails at these, and not at others beside OPTIONAL."""
    assert ("values:optional" in translate(Query(f"SELECT * {pattern}"), NAMES).constructs) == is_open
