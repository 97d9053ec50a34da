"""What a valid query probably does not mean."""

from __future__ import annotations

import pytest

from citygraph.sparql.hints import compared_dates


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("SELECT (MIN(?d) AS ?first) { ?a cg:startDate ?d }", ("?d",)),
        ("SELECT ?a { ?a cg:party ?p ; cg:councilActDate|cg:protocolDate ?d } ORDER BY ?d", ("?d",)),
        ("SELECT ?a { ?a cg:attestedOn ?d ; cg:endDate ?e } ORDER BY DESC(?e) ?a ?d", ("?d", "?e")),
        ("select (max( ?d ) as ?x) { [] cg:notBefore ?d }", ("?d",)),
        ("SELECT (MIN(cg:startOfPeriod(?d)) AS ?first) { ?a cg:startDate ?d } ORDER BY STR(?d)", ()),
        ("SELECT (COUNT(?d) AS ?n) (SAMPLE(?d) AS ?one) { ?a cg:startDate ?d } ORDER BY ?a", ()),
        ("SELECT ?label { ?a cg:startDate ?d ; rdfs:label ?label } ORDER BY ?label", ()),
        ("SELECT ?d { ?a cg:startDate ?d FILTER(?d = 'ORDER BY') }", ()),
        ("SELECT ?d { ?a cg:startDate ?d } ORDER BY ?d LIMIT", ()),
        ("SELECT ?d { " + "[ ?p " * 190 + "1" + " ]" * 190 + " cg:startDate ?d } ORDER BY ?d", ("?d",)),
    ],
)
def test_dates_that_are_compared_as_they_are(text: str, variables: tuple[str, ...]) -> None:
    """Partial dates of different datatypes have no order (13.15)."""
    assert compared_dates(text) == variables
