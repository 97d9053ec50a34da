"""A small world of ours beside the invented items: three cities, two documents that date their agreements."""

from __future__ import annotations

from pyoxigraph import Quad, RdfFormat, parse

from citygraph.rdf.terms import PREFIXES

TRIG = """
GRAPH source:register {
  country:alphaland a cg:Country ; rdfs:label "Alphaland"@en, "Alfaülke"@tr ; owl:sameAs wd:Q9000101 .
  country:betaland a cg:Country ; rdfs:label "Betaland"@en ; owl:sameAs wd:Q9000102 .
  city:alphaville a cg:City ; rdfs:label "Alphaville"@en, "Alfakent"@tr ; owl:sameAs wd:Q9000001 ;
    cg:country country:alphaland ; geo:hasGeometry <https://w3id.org/citygraph/id/city/alphaville#geometry> .
  <https://w3id.org/citygraph/id/city/alphaville#geometry> a geo:Geometry ;
    geo:asWKT "POINT(-3.51 40.12)"^^geo:wktLiteral .
  city:betaburg a cg:City ; rdfs:label "Betaburg"@en, "Betaburg şehri"@tr ; owl:sameAs wd:Q9000002 ;
    cg:country country:betaland .
  city:gammaton a cg:City ; rdfs:label "Gammaton"@en ; owl:sameAs wd:Q9000003 ; cg:country country:betaland .
  city:nowhere a cg:City ; rdfs:label "Nowhere"@en ; owl:sameAs wd:Q9000990 ; cg:country country:betaland .
  city:unlinked a cg:City ; rdfs:label "Unlinked"@en ; cg:country country:betaland .
}
GRAPH source:page {
  agreement:alphaville-betaburg a cg:SisterCityAgreement ; cg:party city:alphaville, city:betaburg ;
    cg:councilActDate "1984-03-01"^^xsd:date ; cg:protocolDate "1985-09-04"^^xsd:date .
  agreement:alphaville-gammaton a cg:SisterCityAgreement ; cg:party city:alphaville, city:gammaton ;
    cg:protocolDate "1992-05"^^xsd:gYearMonth .
  agreement:alphaville-nowhere a cg:SisterCityAgreement ; cg:party city:alphaville, city:nowhere .
  agreement:alphaville-unlinked a cg:SisterCityAgreement ; cg:party city:alphaville, city:unlinked .
}
GRAPH source:news {
  agreement:alphaville-gammaton a cg:SisterCityAgreement ; cg:party city:alphaville, city:gammaton ;
    cg:protocolDate "1992"^^xsd:gYear .
}
GRAPH graph:catalog {
  source:register a cg:Source ; dcterms:title "Register"@en ; cg:readOn "2026-11-01"^^xsd:date .
  source:page a cg:Source ; dcterms:title "Kardeş şehirler"@tr ; dcterms:issued "2020-05"^^xsd:gYearMonth ;
    cg:readOn "2026-11-02"^^xsd:date ; schema:url "https://example.org/partners" .
  source:news a cg:Source ; dcterms:title "News \\"today\\""@en ; dcterms:issued "1993-01-02"^^xsd:date ;
    cg:readOn "2026-11-03"^^xsd:date .
}
"""


def our_quads(trig: str = TRIG) -> list[Quad]:
    """The statements of ours; or those of another text, with our prefixes."""
    prefixes = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    return list(parse(prefixes + trig, format=RdfFormat.TRIG))
