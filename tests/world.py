"""A small world of three cities, readable in a minute: İzmir, its partners Baku and Bremen, and who says so."""

from __future__ import annotations

from pathlib import Path

from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.index.facts import StoredQuads
from citygraph.index.names import write_index
from citygraph.rdf.nquads import SetDigest
from citygraph.rdf.terms import CG, ONTOLOGY_GRAPH, PREFIXES, RDF, SHAPES_GRAPH
from citygraph.release.releases import Manifest, Release, Releases
from citygraph.source.rules import derive, read_rules

REPOSITORY = Path(__file__).parents[1]

_RULES = REPOSITORY / "ontology" / "rules"
# The page says when; the news says who met; the register knows names; the curator concludes; the rules derive.
_WORLD = """
GRAPH source:page {
  city:izmir a cg:City ; rdfs:label "İzmir"@en .
  city:bremen a cg:City ; rdfs:label "Bremen"@en ; cg:situatedOn "the Weser"@en, "Weser Nehri"@tr ;
    cg:populationFigure <https://w3id.org/citygraph/id/city/bremen#population-page> .
  <https://w3id.org/citygraph/id/city/bremen#population-page> a cg:PopulationFigure ;
    cg:value 600000 ; cg:approximate true .
  city:baku a cg:City ; rdfs:label "Baku"@en ; cg:foundingDate "1991-09"^^xsd:gYearMonth .
  agreement:izmir-bremen a cg:SisterCityAgreement ; cg:party city:izmir, city:bremen ;
    cg:councilActDate "1993-10-19"^^xsd:date ; cg:protocolDate "1996-04-24"^^xsd:date .
  agreement:izmir-baku a cg:SisterCityAgreement ; cg:party city:izmir, city:baku ;
    cg:councilActDate "1985-09-04"^^xsd:date .
}
GRAPH source:news {
  city:izmir a cg:City ; rdfs:label "İzmir"@en ; skos:altLabel "Izmir"@en .
  agreement:izmir-baku a cg:SisterCityAgreement ; cg:party city:izmir, city:baku .
  person:cemil-tugay a cg:Person ; rdfs:label "Cemil Tugay"@en, "Cemil Tugay"@tr .
  organisation:izmir-municipality a cg:Municipality ; cg:jurisdiction city:izmir ;
    rdfs:label "İzmir Metropolitan Municipality"@en, "İzmir Büyükşehir Belediyesi"@tr .
  post:mayor-of-izmir a cg:Post ; cg:of organisation:izmir-municipality ; cg:role role:mayor ;
    rdfs:label "Mayor of İzmir"@en, "İzmir Büyükşehir Belediye Başkanı"@tr .
  tenure:cemil-tugay-mayor-of-izmir a cg:Tenure ; cg:holder person:cemil-tugay ; cg:post post:mayor-of-izmir ;
    cg:attestedOn "2026-01-06"^^xsd:date .
  event:visit a cg:Meeting ; rdfs:label "A visit"@en, "Bir ziyaret"@tr ; cg:about agreement:izmir-baku ;
    cg:host person:cemil-tugay .
  <https://w3id.org/citygraph/id/event/visit#gift> a cg:Gift ; rdfs:label "A pin"@en, "Bir rozet"@tr ;
    cg:at event:visit ; cg:recipient person:cemil-tugay .
}
GRAPH source:register {
  city:izmir cg:country country:turkiye ; rdfs:label "İzmir"@en, "İzmir"@tr ; schema:latitude 38.4361 ;
    schema:longitude 27.1518 ; owl:sameAs wd:Q35997 .
  city:baku cg:country country:azerbaijan ; rdfs:label "Baku"@en, "Bakü"@tr, "Bakı"@az .
  city:bremen cg:country country:germany ; rdfs:label "Bremen"@en, "Bremen"@tr .
  country:turkiye a cg:Country ; rdfs:label "Türkiye"@en, "Türkiye"@tr .
  country:azerbaijan a cg:Country ; rdfs:label "Azerbaijan"@en, "Azerbaycan"@tr .
  country:germany a cg:Country ; rdfs:label "Germany"@en, "Almanya"@tr .
}
GRAPH graph:curation {
  event:visit cg:startDate "2026-01"^^xsd:gYearMonth .
  <https://w3id.org/citygraph/graph/curation#visit-date> a cg:Conclusion ; rdf:subject event:visit ;
    rdf:predicate cg:startDate ; rdf:object "2026-01"^^xsd:gYearMonth ; cg:evidence source:news ;
    cg:reason "The news of 6 January reports it."@en, "6 Ocak tarihli haber bildiriyor."@tr .
}
GRAPH graph:catalog {
  source:page a cg:Source ; rdfs:label "Sister cities page"@en, "Kardeş şehirler sayfası"@tr ;
    dcterms:title "Sister Cities Page"@en ; dcterms:publisher organisation:izmir-municipality .
  source:news a cg:Source ; rdfs:label "News of the visit"@en, "Ziyaret haberi"@tr .
  source:register a cg:Source ; rdfs:label "Register of places"@en, "Yer kütüğü"@tr .
  <https://w3id.org/citygraph/dataset> a dcat:Dataset ; dcterms:title "citygraph"@en .
  graph:catalog a sd:NamedGraph . graph:curation a sd:NamedGraph . graph:derived a sd:NamedGraph .
}
GRAPH graph:derived {
  city:izmir cg:twinnedWith city:bremen, city:baku ; a schema:City .
  city:bremen cg:twinnedWith city:izmir . city:baku cg:twinnedWith city:izmir .
  agreement:izmir-bremen rdfs:label "İzmir–Bremen agreement"@en, "İzmir–Bremen anlaşması"@tr .
  agreement:izmir-baku rdfs:label "İzmir–Baku agreement"@en, "İzmir–Bakü anlaşması"@tr .
  tenure:cemil-tugay-mayor-of-izmir rdfs:label "Cemil Tugay as Mayor of İzmir"@en .
}
GRAPH graph:ontology {
  <https://w3id.org/citygraph/ontology> a owl:Ontology ; dcterms:title "citygraph ontology"@en .
  cg:Place a owl:Class ; rdfs:label "place"@en, "yer"@tr ; skos:definition "A place."@en, "Bir yer."@tr .
  cg:City a owl:Class ; rdfs:subClassOf cg:Place ; rdfs:label "city"@en, "şehir"@tr ; skos:example "İzmir" ;
    rdfs:subClassOf schema:City .
  cg:Agreement a owl:Class ; rdfs:label "agreement"@en, "anlaşma"@tr .
  cg:SisterCityAgreement a owl:Class ; rdfs:subClassOf cg:Agreement ;
    rdfs:label "sister-city agreement"@en, "kardeş şehir anlaşması"@tr .
  cg:party a owl:ObjectProperty ; rdfs:domain cg:Agreement ; rdfs:range cg:Place ;
    rdfs:label "party"@en, "taraf"@tr .
  cg:country a owl:ObjectProperty ; rdfs:range cg:Country ; rdfs:label "country"@en, "ülke"@tr .
  cg:councilActDate a owl:DatatypeProperty ; schema:rangeIncludes xsd:date, xsd:gYearMonth, xsd:gYear ;
    rdfs:label "date of the council act"@en, "meclis kararı tarihi"@tr .
  cg:situatedOn a owl:DatatypeProperty ; rdfs:range rdf:langString ; rdfs:label "situated on"@en, "konumu"@tr .
  cg:populationFigure a owl:ObjectProperty ; rdfs:label "population figure"@en, "nüfus verisi"@tr .
  cg:twinnedWith a owl:ObjectProperty ; rdfs:label "twinned with"@en, "kardeş şehri"@tr .
  <https://w3id.org/citygraph/ontology/roles> a skos:ConceptScheme ; rdfs:label "roles"@en, "görevler"@tr .
  role:mayor a skos:Concept ; skos:prefLabel "mayor"@en, "belediye başkanı"@tr ;
    skos:inScheme <https://w3id.org/citygraph/ontology/roles> .
}
GRAPH graph:shapes {
  shapes:City a sh:NodeShape ; sh:targetClass cg:City ; sh:property shapes:City-country .
  shapes:City-country sh:path cg:country ; sh:minCount 1 ; sh:message "A city has a country."@en,
    "Bir şehrin bir ülkesi olur."@tr .
}
"""


def small_world() -> list[Quad]:
    """The quads of the small world, with the default graph merged as a build merges it."""
    prefixes = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    named = list(parse(prefixes + _WORLD, format=RdfFormat.TRIG))
    data = (quad for quad in named if quad.graph_name not in (ONTOLOGY_GRAPH, SHAPES_GRAPH))
    merged = {Quad(quad.subject, quad.predicate, quad.object) for quad in data}
    return named + sorted(merged, key=str)


def publish(quads: list[Quad], root: Path, *, derived: bool = True) -> Release:
    """A release of these quads in the folder `root`, made the current one.

    With `derived` it also has what the rules derive of the validity of agreements and tenures.
    """
    releases = Releases(root)
    quads = [*quads, *(validity_of(quads) if derived else ())]
    with releases.stage() as staged:
        staged.open().bulk_extend(quads)
        write_index(StoredQuads(staged.open()), staged.path / "search.sqlite")
        return staged.publish(_manifest(staged.open(), quads))


def validity_of(quads: list[Quad]) -> list[Quad]:
    """When agreements and tenures hold, by the rules that derive it from their dates; also in the default graph."""
    store = Store()
    store.extend(quad for quad in quads if quad.graph_name == DefaultGraph())
    ties = list(store.quads_for_pattern(None, CG("party"), None, DefaultGraph()))
    store.extend(Quad(quad.subject, RDF("type"), CG("Agreement")) for quad in ties)
    rules = sorted(file for name in ("state", "validity") for file in _RULES.glob(f"*-{name}.rq"))
    derived = derive(read_rules(rules), store)
    return [*derived, *(Quad(quad.subject, quad.predicate, quad.object) for quad in derived)]


def _manifest(store: Store, quads: list[Quad]) -> Manifest:
    digest = SetDigest()
    digest.add(set(quads))
    graphs = {g.value: 0 for g in store.named_graphs() if isinstance(g, NamedNode)}
    for quad in store.quads_for_pattern(None, None, None, None):
        if isinstance(quad.graph_name, NamedNode):
            graphs[quad.graph_name.value] += 1
    triples = sum(1 for _ in store.quads_for_pattern(None, None, None, DefaultGraph()))
    return Manifest(digest=digest.hex, quads=sum(graphs.values()), triples=triples, graphs=graphs)
