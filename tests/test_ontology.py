"""The ontology as a reasoner reads it: consistent, and without consequences that nobody means."""

from __future__ import annotations

from collections.abc import Iterable

import owlrl
import pytest
from pyoxigraph import DefaultGraph, Quad, RdfFormat, parse
from rdflib import Graph, Literal, URIRef

from citygraph.rdf.terms import OWL
from citygraph.release.releases import Release
from citygraph.source.files import Sources
from tests.conftest import REPOSITORY

_ERROR = URIRef("http://www.daml.org/2002/03/agents/agent-ont#error")
_SAME = URIRef(OWL("sameAs").value)


def closure(sources: Sources, data: Iterable[Quad]) -> Graph:
    """The OWL 2 RL closure of the ontology and these statements."""
    graph = Graph()
    ontology = (quad for file in sources.ontology_files() for quad in file.read())
    graph.parse(data="".join(f"{quad.triple} .\n" for quad in (*ontology, *data)), format="nt")
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    return graph


def examples() -> list[Quad]:
    """The statements of the examples of right data."""
    paths = sorted((REPOSITORY / "ontology" / "examples" / "conforming").glob("*.t*"))
    return [quad for path in paths for quad in parse(path=path)]


def errors(graph: Graph) -> list[str]:
    return [str(text) for text in graph.objects(None, _ERROR)]


def identities(graph: Graph) -> set[tuple[str, str]]:
    """Pairs of different entities or values that the closure makes one."""
    return {
        (str(one), str(other))
        for one, other in graph.subject_objects(_SAME)
        if one != other
        and not (isinstance(one, Literal) and isinstance(other, Literal) and one.value == other.value)
        and "wikidata.org" not in f"{one}{other}"
    }


def test_the_ontology_and_its_examples_are_consistent(sources: Sources) -> None:
    """By the rules of OWL 2 RL; two dates of two sources do not become one date (15 §1)."""
    differ = """<https://w3id.org/citygraph/id/agreement/izmir-baku> <https://w3id.org/citygraph/ontology#councilActDate>
      "1985"^^<http://www.w3.org/2001/XMLSchema#gYear> ."""
    graph = closure(sources, [*examples(), *parse(differ, format=RdfFormat.TURTLE)])
    assert errors(graph) == []
    assert identities(graph) == set()


def test_the_check_finds_an_inconsistency(sources: Sources) -> None:
    """A place is no agent (15 §1)."""
    both = (
        "<urn:x-test:a> a <https://w3id.org/citygraph/ontology#City> , <https://w3id.org/citygraph/ontology#Person> ."
    )
    assert [text for text in errors(closure(sources, parse(both, format=RdfFormat.TURTLE))) if "urn:x-test:a" in text]


@pytest.mark.slow
def test_the_graph_of_izmir_is_consistent_with_the_ontology(sources: Sources, izmir: Release) -> None:
    """With all that the rules derive (15 §1)."""
    quads = izmir.open_store().quads_for_pattern(None, None, None, DefaultGraph())
    graph = closure(sources, quads)
    assert errors(graph) == []
    assert identities(graph) == set()
