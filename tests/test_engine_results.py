"""The report on results of pySHACL states what pySHACL's own report does, with languages and without its text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import RdfFormat, parse
from pyshacl.shapes_graph import ShapesGraph
from pyshacl.validator import Validator
from rdflib import Graph, Literal
from rdflib.compare import isomorphic

from citygraph.build import adapted_pyshacl
from citygraph.build.engine_results import findings_in, report_of_results
from citygraph.report import Report

PREFIXES = """@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix : <urn:x:> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix cg: <https://w3id.org/citygraph/ontology#> .
"""
SHAPES = (
    PREFIXES
    + """
:Named a sh:NodeShape ; sh:targetClass :City ; sh:message "A city has one name."@en , "Bir kent, bir ad."@tr ;
    sh:severity sh:Warning ; cg:remedy "Name it."@en ;
    sh:sparql [ sh:message "A city has one name."@en ;
        sh:select "SELECT $this WHERE { $this a ?c . FILTER NOT EXISTS { $this <urn:x:name> ?n } }" ] .
:Partner a sh:NodeShape ; sh:targetClass :City ; sh:property :PartnerPath .
:PartnerPath a sh:PropertyShape ; sh:path :partner ; sh:node :Listed ; sh:message "Partners are listed."@en .
:Listed a sh:NodeShape ; sh:in ( :a :b ) ; sh:property [ sh:path ( :partner :name ) ; sh:minCount 1 ] .
:Size a sh:PropertyShape ; sh:targetClass :City ; sh:path :size ; sh:maxInclusive 9 ; sh:maxCount 1 .
"""
)
DATA = (
    "<urn:x:a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:x:City> .\n"
    '<urn:x:a> <http://www.w3.org/2000/01/rdf-schema#label> "Ä"@de .\n'
    '<urn:x:a> <http://www.w3.org/2000/01/rdf-schema#label> "A"@en .\n'
    "<urn:x:a> <urn:x:partner> <urn:x:c> .\n"
    "<urn:x:a> <urn:x:partner> <urn:x:d> .\n"
    '<urn:x:a> <urn:x:size> "10"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
    '<urn:x:a> <urn:x:size> "11"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
    "<urn:x:b> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:x:City> .\n"
    '<urn:x:b> <urn:x:size> "big" .\n'
)


def without_languages(graph: Graph) -> Graph:
    """Returns a graph without the languages of its texts, as pySHACL writes messages of SPARQL constraints."""
    plain = Graph()
    for subject, predicate, value in graph:
        plain.add((subject, predicate, Literal(str(value)) if isinstance(value, Literal) and value.language else value))
    return plain


def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Report, Graph]:
    """Returns our report and pySHACL's own, of the same results."""
    shapes, data = Graph().parse(data=SHAPES, format="turtle"), tmp_path / "data.nt"
    data.write_text(DATA, encoding="utf-8")
    own: list[Graph] = []

    def keep(results: Iterable[Any], graph: Any, messages: Any) -> Report:
        listed = list(results)
        own.append(Validator.create_validation_report(ShapesGraph(shapes), not listed, listed)[0])
        return report_of_results(listed, graph, messages)

    monkeypatch.setattr(adapted_pyshacl, "report_of_results", keep)
    return adapted_pyshacl.explain(data, shapes, None), own[0]


def test_report_states_what_that_of_pyshacl_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the blank nodes of shapes, results below others, lists and paths; texts are compared without languages."""
    report, own = reports(tmp_path, monkeypatch)
    graph = Graph().parse(data=report.turtle, format="turtle")
    assert len(graph) > 60
    assert isomorphic(without_languages(graph), without_languages(own))


def test_messages_have_the_languages_of_the_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pySHACL repeats them without languages for a SPARQL constraint."""
    report, _ = reports(tmp_path, monkeypatch)
    assert report.turtle.count('"A city has one name."@en') == 2 + 1  # two cities, and the constraint itself
    assert report.turtle.count('"Bir kent, bir ad."@tr') == 2
    assert '"A city has one name." ' not in report.turtle


def test_result_has_label_texts_and_severity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results below another are part of it, not results of their own."""
    report, _ = reports(tmp_path, monkeypatch)
    (named,) = [one for one in report.results if one.shape == "urn:x:Named" and one.focus_node == "urn:x:a"]
    assert (named.severity, named.label) == ("warning", "A")
    assert named.messages == {"en": "A city has one name.", "tr": "Bir kent, bir ad."}
    assert named.remedies == {"en": "Name it."}
    assert sorted((one.shape, one.focus_node, one.value) for one in report.results if "Partner" in one.shape) == [
        ("urn:x:PartnerPath", "urn:x:a", "<urn:x:c>"),
        ("urn:x:PartnerPath", "urn:x:a", "<urn:x:d>"),
    ]


def test_findings_are_those_of_the_report_not_of_results_below_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The findings, by which the engines are compared, have each result of the report once."""
    report, _ = reports(tmp_path, monkeypatch)
    findings = set(findings_in(quad.triple for quad in parse(report.turtle, RdfFormat.TURTLE)))
    assert findings == {(one.focus_node, one.shape, one.path, one.value) for one in report.results}
    assert len(findings) > 5


def test_listed_triples_end_with_their_context(tmp_path: Path) -> None:
    """Later readers of N-Triples get them in their graph, and the next list has none of the earlier ones."""
    path = tmp_path / "data.nt"
    path.write_text(DATA, encoding="utf-8")
    for _ in range(2):
        with adapted_pyshacl.listed_triples() as triples:
            assert len(Graph().parse(path, format="nt")) == 0
        assert len(triples) == DATA.count("\n")
    assert len(Graph().parse(path, format="nt")) == DATA.count("\n")
