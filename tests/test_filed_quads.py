"""The index of a release is the same, byte for byte, whether it is made from a store or from files of lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build import predicate_files
from citygraph.build.filed_quads import FiledQuads
from citygraph.build.graph_files import GraphFiles
from citygraph.index.facts import QuadsByPredicate, StoredQuads
from citygraph.index.names import write_index
from citygraph.rdf.nquads import as_line
from citygraph.rdf.terms import BASE, CG, ONTOLOGY_GRAPH, PREFIXES, RDF, RDFS, SHAPES_GRAPH, SOURCE
from citygraph.release.releases import Release
from tests.world import small_world

_NAMESPACES = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
# Literals in forms that a store rewrites, two texts with one normal form, names in several scripts and with quotes, a
# country by way of two neighbours, a chain of offices, an agreement without a name, a place outside the table.
_HOSTILE = f"""@base <{BASE}> . {_NAMESPACES}
<id/city/a> a cg:City, schema:Place, _:class, "text" ; rdfs:label "İzmir %41"@tr, "Izmir \\"x\\" \\n\\u2028"@EN-us ;
  rdfs:label "и́"@ru ;
  skos:altLabel "e\\u0301", "\\u00e9", "é"^^cg:spelling, "same"@de, "same"@tr ; skos:hiddenLabel "" ;
  schema:latitude "038.50"^^xsd:decimal, "+38.5"^^xsd:double, "NaN"^^xsd:double ; schema:longitude 27.10, "x" ;
  cg:foundingDate "2001-01-01+00:00"^^xsd:date, "-0100"^^xsd:gYear, "12000"^^xsd:gYear ; cg:locatedIn <id/area/b>, _:b ;
  owl:sameAs <http://www.wikidata.org/entity/Q2>, <http://www.wikidata.org/entity/Q10>, "Q3" .
<id/area/b> a cg:Area ; rdfs:label "b"@en ; cg:locatedIn <id/area/c>, <id/area/d> .
<id/area/c> a cg:Area ; rdfs:label "c"@en ; cg:country <id/country/y>, <id/country/x> .
<id/area/d> a cg:Area ; rdfs:label "ç"@tr ; cg:country <id/country/w> ; cg:locatedIn <id/area/b> .
<id/country/x> a cg:Country ; rdfs:label "X"@en, "X"@tr .
<id/city/gone> a cg:City, cg:WithdrawnIdentifier ; rdfs:label "Gone"@en .
<id/city/unknown> a cg:Unknown ; rdfs:label "Unknown"@en .
<id/agreement/1> a cg:Agreement ; rdfs:label "One"@en ; cg:party <id/city/a>, <id/area/c>, <id/city/unlisted> ;
  cg:protocolDate "1996-04-24"^^xsd:date ; cg:startDate "1996"^^xsd:gYear ; cg:currentState <id/state/ended> ;
  cg:validDuring "1996-04-24/.."^^<http://id.loc.gov/datatypes/edtf/EDTF>, "1980/1990-01" .
<id/agreement/unnamed> a cg:Agreement ; cg:party <id/city/a> ; cg:councilActDate "1950-02"^^xsd:gYearMonth .
<id/tenure/1> a cg:Tenure ; rdfs:label "Term"@en ; cg:holder <id/person/p>, <id/tenure/2> ;
  cg:startDate "2020"^^xsd:gYear .
<id/tenure/2> a cg:Tenure ; rdfs:label "Term 2"@en ; cg:holder <id/person/p> ; cg:startDate "2010"^^xsd:gYear ;
  cg:endDate "2012"^^xsd:gYear .
<id/person/p> a cg:Person ; rdfs:label "P"@en .
<id/event/e> a cg:Event ; rdfs:label "E"@en ; cg:startDate "1986", "1986-04-28" ; cg:takesPlaceIn <id/city/a> .
<id/event/e#part> a cg:Event ; rdfs:label "Part"@en .
"""


def hostile() -> Iterator[Quad]:
    """In two sources each, in a graph that is no source, and in graphs that are not part of the data."""
    graphs = (SOURCE("one"), SOURCE("two%20"), NamedNode(BASE + "graph/curation"), SHAPES_GRAPH)
    for quad in parse(_HOSTILE, RdfFormat.TURTLE, rename_blank_nodes=False):
        for graph in graphs:
            yield Quad(quad.subject, quad.predicate, quad.object, graph)
    yield Quad(CG("City"), RDFS("subClassOf"), CG("Place"), ONTOLOGY_GRAPH)
    yield Quad(NamedNode(BASE + "id/city/shape"), RDF("type"), CG("City"), SHAPES_GRAPH)
    yield Quad(NamedNode(BASE + "id/city/shape"), RDFS("label"), Literal("Shape", language="en"), SHAPES_GRAPH)


def store_of(quads: list[Quad]) -> Store:
    """Returns a store whose default graph is the merge of the data graphs."""
    store = Store()
    store.extend(quads)
    data = (quad for quad in quads if quad.graph_name not in (ONTOLOGY_GRAPH, SHAPES_GRAPH))
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in data)
    return store


def index_of(quads: QuadsByPredicate, path: Path) -> bytes:
    assert write_index(quads, path) > 0
    return path.read_bytes()


def files_of(quads: list[Quad], folder: Path) -> FiledQuads:
    files = GraphFiles(folder)
    files.add(map(as_line, quads))
    return FiledQuads(files)


@pytest.mark.parametrize("most_files", [2000, 3])
@pytest.mark.parametrize("of_world", [False, True])
def test_order_repetition_and_form_of_statements_do_not_change_the_index(
    of_world: bool, most_files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §5) Also with predicates that share a file."""
    monkeypatch.setattr(predicate_files, "_MOST_FILES", most_files)
    quads = [quad for quad in small_world() if isinstance(quad.graph_name, NamedNode)] if of_world else list(hostile())
    expected = index_of(StoredQuads(store_of(quads)), tmp_path / "store.sqlite")
    assert index_of(StoredQuads(store_of(quads[::-1])), tmp_path / "reversed.sqlite") == expected
    shuffled = [*quads, *quads[::2]]
    Random(16).shuffle(shuffled)  # noqa: S311 - nothing here is secret
    for number, order in enumerate((quads, shuffled)):
        assert index_of(files_of(order, tmp_path / str(number)), tmp_path / f"{number}.sqlite") == expected


def test_index_of_a_release_is_that_of_files_with_its_quads(izmir: Release, tmp_path: Path) -> None:
    """(16 §5) With the data of İzmir."""
    store = izmir.open_store()
    files = GraphFiles(tmp_path / "parts")
    files.add_store(store)
    expected = index_of(StoredQuads(store), tmp_path / "store.sqlite")
    assert index_of(FiledQuads(files), tmp_path / "files.sqlite") == expected
