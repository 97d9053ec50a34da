"""Two tombstones for the small world: one city merged into another, one withdrawn for two others."""

from __future__ import annotations

from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from citygraph.rdf.terms import PREFIXES

_STONES = """
GRAPH graph:withdrawn {
  city:smyrna a cg:WithdrawnIdentifier ; cg:withdrawnOn "2026-03-01"^^xsd:date ; cg:mergedInto city:izmir ;
    rdfs:label "Smyrna"@en ; skos:changeNote "An older name of İzmir."@en, "İzmir'in eski adı."@tr .
  city:buda-pest a cg:WithdrawnIdentifier ; cg:withdrawnOn "2026-04-02"^^xsd:date ; rdfs:label "Buda-Pest"@en ;
    dcterms:isReplacedBy city:baku, city:bremen ; skos:changeNote "Two cities."@en, "İki şehir."@tr .
}
"""


def tombstones() -> list[Quad]:
    """Their quads, in their graph and in the merge."""
    prefixes = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    quads = list(parse(prefixes + _STONES, RdfFormat.TRIG))
    assert all(isinstance(quad.graph_name, NamedNode) for quad in quads)
    return [*quads, *(Quad(quad.subject, quad.predicate, quad.object) for quad in quads)]
