"""What is read from the texts of queries: here, whether a constraint can be about a literal."""

from __future__ import annotations

import pytest

from citygraph.incremental.dependencies import query_patterns

ABOUT_NODES = [
    "SELECT ?value { ?value ?p ?o }",
    "SELECT ?value { ?s ?p ?value FILTER(isIRI(?value)) }",
    "SELECT ?value { ?s ?p ?value FILTER(isIRI(?value) && ?p != rdf:type) OPTIONAL { ?value a ?t } }",
    "SELECT ?value { { ?s ?p ?value FILTER(isBlank(?value)) } UNION { ?value ?q ?o } }",
]
ABOUT_LITERALS_TOO = [
    "SELECT ?value { ?s ?p ?value }",
    "SELECT ?value { ?s ?p ?value FILTER(isIRI(?s)) }",
    "SELECT ?value { ?s ?p ?value FILTER(isIRI(?value) || ?p != rdf:type) }",
    "SELECT ?value { { ?s ?p ?value FILTER(isBlank(?value)) } UNION { ?s ?q ?value } }",
    "SELECT ?value { ?value ^rdfs:label ?s }",
    "SELECT ?value { ?s a cg:City OPTIONAL { ?s rdfs:label ?value FILTER(isIRI(?value)) } }",
]


@pytest.mark.parametrize("text", ABOUT_NODES)
def test_literals_are_passed_over_where_no_constraint_means_them(text: str) -> None:
    """As a subject, or where a filter over the whole group wants a node."""
    assert not query_patterns(text).dependencies("value").literal


@pytest.mark.parametrize("text", ABOUT_LITERALS_TOO)
def test_literals_are_judged_wherever_one_may_be_meant(text: str) -> None:
    """Without such a filter, with one that need not hold, in another arm, at the end of a path that runs backwards."""
    assert query_patterns(text).dependencies("value").literal
