"""Export: canonical, sorted, stable TriG."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.export import export
from citygraph.errors import NotFound
from citygraph.rdf.terms import CG, ID, RDF, RDFS, XSD
from citygraph.release.releases import Release

G = NamedNode("https://w3id.org/citygraph/source/x")
IZMIR = ID("city/izmir")
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_OBJECTS = st.one_of(
    st.builds(Literal, _TEXT),
    st.builds(lambda text: Literal(text, language="tr"), _TEXT),
    st.sampled_from([Literal(3), Literal("1991-09", datatype=XSD("gYearMonth")), ID("city/1ab"), ID("city/a.b"),
                     NamedNode("http://e.org/a(b)'c"), ID("city/izmir#population"), NamedNode("urn:x:ı")]),
)  # fmt: skip


def test_the_text_is_sorted_and_readable() -> None:
    """Prefixes that are used, subjects and statements in order, the type first."""
    store = Store()
    store.add(Quad(IZMIR, RDFS("label"), Literal("İzmir", language="en"), G))
    store.add(Quad(IZMIR, RDF("type"), CG("City"), G))
    store.add(Quad(IZMIR, CG("foundingDate"), Literal("1921", datatype=XSD("gYear")), G))
    assert export(store, G) == (
        "@prefix cg: <https://w3id.org/citygraph/ontology#> .\n"
        "@prefix city: <https://w3id.org/citygraph/id/city/> .\n"
        "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .\n"
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
        "@prefix source: <https://w3id.org/citygraph/source/> .\n"
        "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
        "\n"
        "GRAPH source:x {\n"
        "\n"
        "    city:izmir\n"
        "        a cg:City ;\n"
        '        rdfs:label "İzmir"@en ;\n'
        '        cg:foundingDate "1921"^^xsd:gYear .\n'
        "}\n"
    )


@given(st.lists(_OBJECTS, min_size=1, max_size=8))
def test_what_is_written_reads_back_the_same(objects: list[Literal | NamedNode]) -> None:
    """No label, quote, bracket or odd IRI is lost or changed on the way."""
    store = Store()
    store.extend(Quad(IZMIR, CG("note"), value, G) for value in objects)
    assert set(parse(export(store, G), RdfFormat.TRIG)) == set(store)


def test_every_graph_of_the_release_survives_the_round_trip(izmir: Release) -> None:
    """Exporting what files own and reading it again gives the same quads."""
    store = izmir.open_store()
    assert izmir.manifest.owners
    for graph in map(NamedNode, izmir.manifest.owners):
        quads = set(store.quads_for_pattern(None, None, None, graph))
        assert quads
        assert set(parse(export(store, graph), RdfFormat.TRIG)) == quads


def test_no_such_graph() -> None:
    """A graph that is not there is an error, not an empty file."""
    with pytest.raises(NotFound):
        export(Store(), G)
