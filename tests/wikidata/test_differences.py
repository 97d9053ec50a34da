"""How a comparison is shown and kept: rows in two languages, CSV, JSON there and back, quality annotations."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from pyoxigraph import NamedNode

from citygraph.build.export import export_quads
from citygraph.errors import BadData
from citygraph.rdf.terms import CG, DQV, GRAPH, OA, RDF
from citygraph.wikidata import differences
from citygraph.wikidata.differences import ComparedStatement, Outcome
from tests.wikidata.ours import TRIG
from tests.wikidata.test_diff import compared, tie

GRAPH_OF_TEST = GRAPH("wikidata-comparison")

WHOLE = """graph:wikidata-comparison {

    <https://w3id.org/citygraph/graph/wikidata-comparison#wikidata-NAME>
        a dqv:QualityAnnotation ;
        dcterms:source source:page ;
        rdf:object city:alphaville ;
        rdf:predicate wdt:P190 ;
        rdf:subject city:betaburg ;
        rdfs:comment "Betaburg, kardeş şehir Alphaville: burada 1985-09-04, orada yes"@tr ;
        rdfs:comment "Betaburg, sister city Alphaville: here 1985-09-04, there yes"@en ;
        oa:hasBody finding:no-reverse ;
        oa:hasTarget agreement:alphaville-betaburg ;
        oa:motivatedBy dqv:qualityAssessment ;
        prov:wasDerivedFrom wds:Q9000001-Q9000002 ;
        cg:checkedOn "2026-11-20"^^xsd:date .
}
"""


@pytest.fixture
def changes() -> list[ComparedStatement]:
    """Alphaville, whose tie with Betaburg stands there one-sided and undated."""
    return compared(TRIG, tie("Q9000001", "Q9000002"))


def test_the_rows_of_a_page(changes: list[ComparedStatement]) -> None:
    """The same rows serve the terminal and the site, in English and Turkish."""
    found = [row for row in differences.rows(changes) if row.value == "Betaburg"]
    assert [(row.state, row.name, row.statement, row.ours, row.theirs) for row in found] == [
        ("agrees", "Alphaville", "sister city", "1985-09-04", "yes"),
        ("missing-there", "Alphaville", "sister city: start", "1985-09-04", ""),
    ]
    turkish = [row.statement for row in differences.rows(changes, "tr") if row.value == "Betaburg"]
    assert turkish == ["kardeş şehir", "kardeş şehir: başlangıç"]


def test_csv_holds_every_finding(changes: list[ComparedStatement]) -> None:
    """A line for each, with the sources of both sides."""
    table = list(csv.DictReader(StringIO(differences.to_csv(changes))))
    assert tuple(table[0]) == differences.COLUMNS
    assert len(table) == len(changes)
    assert any("source/page" in row["our_sources"] and "statement/" in row["their_sources"] for row in table)


def test_json_there_and_back(changes: list[ComparedStatement]) -> None:
    """What is kept is read again as it was; what is none is an error with the file's name."""
    text = differences.to_json_text(changes, "2026-11-20T00:00:00Z")
    assert differences.from_json_text(text, "x.json") == (changes, "2026-11-20T00:00:00Z")
    for bad in ("", "[]", '{"findings": [{}], "retrieved": ""}'):
        with pytest.raises(BadData, match=r"x\.json: this is not a saved comparison"):
            differences.from_json_text(bad, "x.json")


def test_quality_annotations(changes: list[ComparedStatement]) -> None:
    """One node for each finding, none of them blank; its IRI does not change with what is found."""
    quads = list(differences.to_quads(changes, GRAPH_OF_TEST, "2026-11-20"))
    nodes = {quad.subject for quad in quads}
    assert len(nodes) == len(changes)
    assert all(isinstance(node, NamedNode) for node in nodes)
    for predicate, count in ((OA("hasTarget"), 1), (OA("hasBody"), 1), (CG("checkedOn"), 1)):
        assert {sum(q.predicate == predicate for q in quads if q.subject == node) for node in nodes} == {count}
    assert {q.object for q in quads if q.predicate == RDF("type")} == {DQV("QualityAnnotation")}
    later = compared(TRIG, tie("Q9000001", "Q9000002", "1985"))
    start = [next(c for c in found if c.qualifier) for found in (changes, later)]
    assert [c.state for c in start] == [Outcome.MISSING_THERE, Outcome.AGREES]
    first, second = (next(iter(differences.annotation(c, GRAPH_OF_TEST, "2026-11-20"))).subject for c in start)
    assert first == second


def test_an_annotation_line_by_line(changes: list[ComparedStatement]) -> None:
    """The whole text of one finding."""
    change = next(c for c in changes if c.state == Outcome.NO_REVERSE)
    text = export_quads(GRAPH_OF_TEST, differences.annotation(change, GRAPH_OF_TEST, "2026-11-20"))
    name = text.partition("#wikidata-")[2].partition(">")[0]
    assert text.partition("GRAPH ")[2] == WHOLE.replace("NAME", name)
