"""The criteria of the LOD Cloud, the practices that its survey counts, and VoID counts against SPARQL's."""

from __future__ import annotations

from pyoxigraph import Literal, NamedNode

from citygraph.doctor.practices import answers_queries, bulk, cites, described, known_vocabularies, machine_readable
from citygraph.doctor.scored_site import Check, Examination, Finding, Site, either, found, met, missing, states
from citygraph.rdf.terms import DCTERMS, OWL, RDF, RDFS, SKOS, VOID

CLOUD = "LOD Cloud"
PRACTICE = "State of the LOD Cloud"
COUNTS = "VoID"
_MANY, _LINKS = 1000, 50
# Datasets in the diagram that a small graph is likely to link to.
_IN_CLOUD = ("wikidata.org", "geonames.org", "dbpedia.org", "viaf.org", "isni.org", "d-nb.info", "id.loc.gov",
             "linkedgeodata.org", "getty.edu")  # fmt: skip
_MOST_PARTITIONS = 12


def resolves(site: Site) -> Finding:
    """The IRIs of entities are of the web, and answer."""
    for iri in site.entities:
        reply = site.get(site.here(iri))
        if not iri.startswith("http") or reply.status != 200:
            return missing(f"{iri} answers {reply.status}")
    return found(", ".join(site.entities), "no entity was found")


def large(site: Site) -> Finding:
    """There are at least a thousand triples."""
    count = _stated(site, VOID("triples")) or 0
    return met(f"{count} triples") if count >= _MANY else missing(f"{count} triples: {_MANY} are wanted")


def linked(site: Site) -> Finding:
    """At least fifty links lead to datasets that are in the diagram."""
    sizes: dict[str, int] = {}
    for quad in site.metadata.quads_for_pattern(None, VOID("objectsTarget"), None, None):
        target = str(getattr(quad.object, "value", ""))
        if any(name in target for name in _IN_CLOUD) and isinstance(quad.subject, NamedNode):
            stated = site.values_of(quad.subject, VOID("triples"))
            sizes[quad.subject.value] = int(stated[0].value) if stated else 0
    count = sum(sizes.values())
    if not count:
        tests = " || ".join(f'CONTAINS(STR(?o), "{name}")' for name in _IN_CLOUD)
        rows = site.ask(f"SELECT (COUNT(*) AS ?n) WHERE {{ ?s ?p ?o FILTER(isIRI(?o) && ({tests})) }}")
        count = int(rows[0].get("n", "0")) if rows else 0
    return met(f"{count} links") if count >= _LINKS else missing(f"{count} links: {_LINKS} are wanted")


def reachable(site: Site) -> Finding:
    """The whole can be had, by dump, SPARQL or crawling."""
    return either(bulk, answers_queries)(site)


def terms_resolve(site: Site) -> Finding:
    """The terms of the site's own vocabulary answer with RDF that tells of them."""
    own = _own_terms(site)
    for term in own[:3]:
        store = site.rdf(term)
        if next(store.quads_for_pattern(NamedNode(term), None, None, None), None) is None:
            return missing(f"{term} tells nothing of itself")
    return found(", ".join(own[:3]), "no terms of its own are used")


def terms_mapped(site: Site) -> Finding:
    """The site's own terms are mapped to others."""
    mappings = (OWL("equivalentClass"), OWL("equivalentProperty"), RDFS("subClassOf"), RDFS("subPropertyOf"),
                SKOS("exactMatch"), SKOS("closeMatch"))  # fmt: skip
    for term in _own_terms(site):
        store = site.rdf(term)
        for of_one in mappings:
            for quad in store.quads_for_pattern(None, of_one, None, None):
                if not str(getattr(quad.object, "value", "")).startswith(site.base or site.url):
                    return met(f"{getattr(quad.subject, 'value', '')} → {getattr(quad.object, 'value', '')}")
    return missing("no term of its own is mapped to another vocabulary")


def well_known(site: Site) -> Finding:
    """VoID stands at /.well-known/void."""
    reply = site.get("/.well-known/void", Accept="text/turtle")
    described_ = any(site.parsed(reply).quads_for_pattern(None, RDF("type"), VOID("Dataset"), None))
    return found(reply.url if described_ else "", f"/.well-known/void answers {reply.status} with no void:Dataset")


def in_dataset(site: Site) -> Finding:
    """Documents say which dataset they are in."""
    for iri in site.entities:
        if not any(site.rdf(iri).quads_for_pattern(None, VOID("inDataset"), None, None)):
            return missing(f"{iri} has no void:inDataset")
    return found(", ".join(site.entities), "no entity was found")


def counted(predicate: str, what: str, pattern: str) -> Examination:
    """A count of VoID is what SPARQL counts."""

    def examine(site: Site) -> Finding:
        stated = _stated(site, VOID(predicate))
        if stated is None:
            return missing(f"no void:{predicate}")
        rows = site.ask(f"SELECT (COUNT({what}) AS ?n) WHERE {{ {pattern} }}")
        if not rows:
            return missing("no SPARQL endpoint answers")
        return _same(f"void:{predicate}", stated, int(rows[0].get("n", "-1")))

    return examine


def partitions(link: str, of: str, count: str, query: str) -> Examination:
    """The counts of partitions are what SPARQL counts; the largest ones are compared."""

    def examine(site: Site) -> Finding:
        parts = []
        for part in site.values(VOID(link)):
            terms, sizes = site.values_of(part, VOID(of)), site.values_of(part, VOID(count))
            if terms and sizes:
                parts.append((int(sizes[0].value), terms[0].value))
        for stated, term in sorted(parts, reverse=True)[:_MOST_PARTITIONS]:
            rows = site.ask(query.replace("TERM", f"<{term}>"))
            counted_ = int(rows[0].get("n", "-1")) if rows else -1
            if counted_ != stated:
                return _same(f"void:{link} of {term}", stated, counted_)
        return found(f"{len(parts)} partitions" if parts else "", f"no void:{link} with a count")

    return examine


def linksets(site: Site) -> Finding:
    """Linksets have sizes, and these are what SPARQL counts."""
    checked = 0
    for quad in site.metadata.quads_for_pattern(None, RDF("type"), VOID("Linkset"), None):
        subject = quad.subject
        if not isinstance(subject, NamedNode):
            continue
        sizes, predicates = site.values_of(subject, VOID("triples")), site.values_of(subject, VOID("linkPredicate"))
        if not sizes or not predicates:
            return missing(f"{subject.value} lacks void:triples or void:linkPredicate")
        checked += 1
    return found(f"{checked} linksets with sizes" if checked else "", "no void:Linkset")


def _own_terms(site: Site) -> list[str]:
    own = site.base or site.url
    used = {
        term
        for iri in site.entities
        for quad in site.rdf(iri).quads_for_pattern(None, None, None, None)
        for term in (quad.predicate.value, str(getattr(quad.object, "value", "")))
        if term.startswith(own) and (term == quad.predicate.value or quad.predicate == RDF("type"))
    }
    return sorted(used)


def _stated(site: Site, predicate: NamedNode) -> int | None:
    values = [v for v in site.values(predicate) if isinstance(v, Literal) and v.value.isdecimal()]
    return int(values[0].value) if values else None


def _same(name: str, stated: int, counted_: int) -> Finding:
    return met(f"{name} {stated}") if stated == counted_ else missing(f"{name} says {stated}, SPARQL counts {counted_}")


LOD: tuple[Check, ...] = (
    Check(CLOUD, "1 Resolvable http(s) URIs", resolves),
    Check(CLOUD, "2 They resolve to RDF in a popular format", machine_readable),
    Check(CLOUD, "3 At least 1000 triples", large),
    Check(CLOUD, "4 At least 50 links to datasets in the diagram", linked),
    Check(CLOUD, "5 The whole reachable by crawling, dump or SPARQL", reachable),
    Check(PRACTICE, "Dereferenceable URIs", resolves),
    Check(PRACTICE, "Links out", linked),
    Check(PRACTICE, "Widely used terms", known_vocabularies),
    Check(PRACTICE, "Own terms dereferenceable", terms_resolve),
    Check(PRACTICE, "Own terms mapped", terms_mapped),
    Check(PRACTICE, "Provenance", cites),
    Check(PRACTICE, "Licence", states(DCTERMS("license"))),
    Check(PRACTICE, "Dataset-level metadata (VoID)", described),
    Check(PRACTICE, "Other access methods named", states(VOID("sparqlEndpoint"), VOID("dataDump"))),
)

VOID_COUNTS: tuple[Check, ...] = (
    Check(COUNTS, "At /.well-known/void", well_known),
    Check(COUNTS, "Documents are in the dataset", in_dataset),
    Check(COUNTS, "Triples", counted("triples", "*", "?s ?p ?o")),
    Check(COUNTS, "Classes", counted("classes", "DISTINCT ?c", "?s a ?c")),
    Check(COUNTS, "Properties", counted("properties", "DISTINCT ?p", "?s ?p ?o")),
    Check(COUNTS, "Distinct subjects", counted("distinctSubjects", "DISTINCT ?s", "?s ?p ?o")),
    Check(COUNTS, "Class partitions", partitions(
        "classPartition", "class", "entities", "SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s a TERM }")),
    Check(COUNTS, "Property partitions", partitions(
        "propertyPartition", "property", "triples", "SELECT (COUNT(*) AS ?n) WHERE { ?s TERM ?o }")),
    Check(COUNTS, "Linksets", linksets),
    Check(COUNTS, "Name space", states(VOID("uriSpace"))),
    Check(COUNTS, "Example resource", states(VOID("exampleResource"))),
    Check(COUNTS, "Data dump", bulk),
    Check(COUNTS, "SPARQL endpoint", answers_queries),
    Check(COUNTS, "Licence", states(DCTERMS("license"))),
)  # fmt: skip
